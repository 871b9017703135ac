import { workerData } from 'node:worker_threads';
import type { WorkerStart } from '../../protocol/worker.js';
import { loadGateway } from './loadGateway.js';

loadGateway(__dirname, (workerData as WorkerStart).dataDir).runWorker(__dirname);
