import * as vscode from 'vscode';

const LIMIT_MS = 20_000;

/** Where the window's gateway is, from its settings and the token that the runner chose. */
export function gatewayUnderTest(): { base: string; token: string } {
  const port = vscode.workspace.getConfiguration('freellm').get<number>('port');
  return { base: `http://127.0.0.1:${port}`, token: process.env.FREELLM_DEV_TOKEN ?? '' };
}

/** Reads until what was read satisfies; the window's own steps have no event to wait for. */
export async function until<T>(read: () => PromiseLike<T>, isDone: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (Date.now() > deadline) throw new Error(`not within ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asks until the gateway says it is ready; it starts after activation, in its own thread. */
export async function untilReady(): Promise<void> {
  const isReady = () =>
    fetch(`${gatewayUnderTest().base}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  await until(isReady, (value) => value);
}

/** One chat request to the gateway. */
export async function chat(body: Record<string, unknown>, token = gatewayUnderTest().token): Promise<Response> {
  return fetch(`${gatewayUnderTest().base}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  });
}
