import { parentPort, workerData } from 'node:worker_threads';
import type { FromGateway, ToGateway, WorkerStart } from '../protocol/worker.js';
import { filterLog, isLogLevel } from './jsonLog.js';
import { wasmFile } from './ledger/wasmFile.js';
import type { Log } from './ports.js';
import { systemClock } from './systemClock.js';
import { WindowGateway } from './windowGateway.js';

if (!parentPort) throw new Error('worker.ts runs in a worker thread of the extension host');
const port = parentPort;
const start = workerData as WorkerStart;
const post = (message: FromGateway) => port.postMessage(message);

const log: Log = filterLog(
  {
    log: (level, component, message, fields) =>
      post({ type: 'log', level, component, message, ...(fields ? { fields } : {}) }),
  },
  isLogLevel(start.logLevel) ? start.logLevel : 'info',
);

const gateway = new WindowGateway(start, {
  clock: systemClock,
  log,
  post(message) {
    post(message);
    if (message.type === 'closed') port.close();
  },
  wasmFile: wasmFile(__dirname),
});
port.on('message', (message: ToGateway) => gateway.receive(message));
gateway.begin();
