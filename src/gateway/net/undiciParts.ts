import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';

/**
 * The two classes of undici that the gateway uses, without its fetch, WebSocket, mocks and caches: those are half of our
 * bundle and a ninth of its load time otherwise. `undici` is pinned, so that its files stay where they are.
 */
export { Client, Pool };
