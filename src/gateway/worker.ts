import { parentPort, workerData } from 'node:worker_threads';
import type { ApiSettings } from '../protocol/api.js';
import type { FromGateway, StoredKey, ToGateway, WorkerStart } from '../protocol/worker.js';
import { createGateway } from './gateway.js';
import { filterLog, isLogLevel } from './jsonLog.js';
import type { Log } from './ports.js';
import { systemClock } from './systemClock.js';

/** A port that is taken is tried for so long: another window's gateway may be going. */
const PORT_TRIES_MS = 5_000;
const PORT_RETRY_MS = 250;
/** What the editor side has for storing keys. */
const SAVE_TIMEOUT_MS = 10_000;
/** Running answers may go on for so long when the window closes (design.md, Processes). */
const GRACE_MS = 1_500;

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
const saves = new Map<number, { resolve(): void; reject(error: Error): void }>();
let lastSave = 0;

const gateway = createGateway(
  { clock: systemClock, log },
  {
    host: start.host,
    port: start.port,
    version: start.version,
    token: start.token,
    adminToken: start.adminToken,
    keys: start.keys,
    proxy: start.proxy,
    demo: start.demo,
    saveKeys,
  },
);

/** Hands the keys to SecretStorage on the editor side and waits until it has them. */
function saveKeys(keys: StoredKey[]): Promise<void> {
  const sequence = ++lastSave;
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The editor did not store the keys in time')), SAVE_TIMEOUT_MS);
    const settle = (run: () => void) => {
      clearTimeout(timer);
      saves.delete(sequence);
      run();
    };
    saves.set(sequence, { resolve: () => settle(resolve), reject: (error) => settle(() => reject(error)) });
    post({ type: 'keys.changed', sequence, keys });
  });
}

port.on('message', (message: ToGateway) => {
  switch (message.type) {
    case 'close':
      return void gateway.close(GRACE_MS).then(() => {
        post({ type: 'closed' });
        port.close();
      });
    case 'proxy':
      return gateway.setProxy(message.proxy);
    case 'settings':
      return gateway.changeSettings(message.settings as ApiSettings);
    case 'keys.saved': {
      const save = saves.get(message.sequence);
      return message.error === null ? save?.resolve() : save?.reject(new Error(message.error));
    }
  }
});

async function listen(until: number): Promise<void> {
  try {
    const { url, port: listening } = await gateway.listen();
    post({ type: 'listening', url, port: listening });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EADDRINUSE' && Date.now() < until) {
      setTimeout(() => void listen(until), PORT_RETRY_MS);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    post({ type: 'failed', reason: code === 'EADDRINUSE' ? 'port-taken' : 'error', message });
  }
}

void listen(Date.now() + PORT_TRIES_MS);
