/** All that `dist/gateway.js` holds, for the two programs in `entries/` to start. */
export { runCli } from './cli.js';
export { runWorker } from './worker.js';
