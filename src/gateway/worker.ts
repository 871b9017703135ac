import { parentPort, workerData } from 'node:worker_threads';
import type { FromGateway, ToGateway, WorkerStart } from '../protocol/worker.js';
import { filterLog, isLogLevel } from './jsonLog.js';
import { wasmFile } from './ledger/wasmFile.js';
import type { Log } from './ports.js';
import { systemClock } from './systemClock.js';
import { WindowGateway } from './windowGateway.js';

/**
 * The gateway of a window, in a worker thread of the extension host; it talks to the editor side by messages.
 * @param folder where the bundle lies, sql.js's wasm beside it
 * @throws Error in any other thread
 */
export function runWorker(folder: string): void {
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
    wasmFile: wasmFile(folder),
  });
  port.on('message', (message: ToGateway) => gateway.receive(message));
  gateway.begin();
}
