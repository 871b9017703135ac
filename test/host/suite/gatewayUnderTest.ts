import * as vscode from 'vscode';

const START_LIMIT_MS = 20_000;

/** Where the window's gateway is, from its settings and the token that the runner chose. */
export function gatewayUnderTest(): { base: string; token: string } {
  const port = vscode.workspace.getConfiguration('freellm').get<number>('port');
  return { base: `http://127.0.0.1:${port}`, token: process.env.FREELLM_DEV_TOKEN ?? '' };
}

/** Asks until the gateway says it is ready; it starts after activation, in its own thread. */
export async function untilReady(): Promise<void> {
  const { base } = gatewayUnderTest();
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const isReady = await fetch(`${base}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > deadline) throw new Error(`no gateway at ${base}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One chat request to the gateway. */
export async function chat(body: Record<string, unknown>, token = gatewayUnderTest().token): Promise<Response> {
  return fetch(`${gatewayUnderTest().base}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  });
}
