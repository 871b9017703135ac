import { randomInt } from 'node:crypto';
import net from 'node:net';

/** Below the ports that systems give outgoing connections (from 32768 on Linux): none of those takes it meanwhile. */
const FIRST = 20_000;
const END = 32_000;
const TRIES = 20;

/**
 * A port of 127.0.0.1 that is free right now: `wanted` if it is, else one that nobody is given unasked.
 * @param {number} [wanted]
 * @returns {Promise<number>}
 */
export async function freePort(wanted = randomInt(FIRST, END)) {
  let port = wanted;
  for (let left = TRIES; left > 0; left -= 1) {
    if (await isFree(port)) return port;
    port = randomInt(FIRST, END);
  }
  throw new Error(`none of ${TRIES} ports of 127.0.0.1 is free`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
