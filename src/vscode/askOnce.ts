import * as vscode from 'vscode';
import type { VerifiedConnection } from '../loopback/verifiedConnection.js';
import { AdminClient } from './adminClient.js';
import { attempt, type GatewayAccess, withCancellableProgress } from './gatewayAccess.js';
import { answered } from './notices.js';
import { routeOf } from './panels/answerText.js';
import { switchDemoOn } from './settings.js';
import { OWN_CLIENT } from './setupModel.js';

/** As long as failover may take, and a slow model. */
const TIMEOUT_MS = 120_000;
const LARGEST_ANSWER = 1024 * 1024;
/** The setting reaches the gateway by the window that runs it. */
const DEMO_READS = 50;
const DEMO_READ_MS = 100;

/** One small question to `auto`, as a client would ask it, so that there is an answer to see. Costs one request of a free tier. */
export function askOnce(access: GatewayAccess): Promise<void> {
  return attempt(vscode.l10n.t('There was no answer'), async () => {
    const connection = await access.connection();
    if (connection === null) return;
    const { token } = await new AdminClient(connection).endpoint();
    const startedAt = Date.now();
    const answer = await withCancellableProgress(vscode.l10n.t('FreeLLM asks for a first answer…'), null, (signal) =>
      ask(connection, token, signal),
    );
    answered(answer.route, Date.now() - startedAt, answer.text);
  });
}

/** Switches the demo provider on and lets it answer. */
export function tryDemo(access: GatewayAccess): Promise<void> {
  return attempt(vscode.l10n.t('The demo was not switched on'), async () => {
    const client = await access.client();
    if (client === null) return;
    await switchDemoOn();
    for (let reads = 0; reads < DEMO_READS && !(await client.state()).demo; reads += 1) {
      await new Promise((resolve) => setTimeout(resolve, DEMO_READ_MS));
    }
    await askOnce(access);
  });
}

/** @throws with the gateway's words when nobody answered, or with the signal's reason. */
async function ask(
  connection: VerifiedConnection,
  token: string,
  signal: AbortSignal,
): Promise<{ route: string; text: string }> {
  const messages = [{ role: 'user', content: vscode.l10n.t('Say hello in one short sentence.') }];
  const { status, route, body } = await post(connection, token, JSON.stringify({ model: 'auto', messages }), signal);
  const answer = JSON.parse(body) as { choices?: { message?: { content?: unknown } }[]; error?: { message?: unknown } };
  if (status !== 200) throw new Error(String(answer.error?.message ?? `HTTP ${status}`));
  const content = answer.choices?.[0]?.message?.content;
  return { route, text: typeof content === 'string' ? content : '' };
}

function post(
  connection: VerifiedConnection,
  token: string,
  payload: string,
  signal: AbortSignal,
): Promise<{ status: number; route: string; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...{ 'Content-Type': 'application/json', 'User-Agent': OWN_CLIENT },
      'Content-Length': String(Buffer.byteLength(payload)),
    };
    const request = connection.request({ method: 'POST', path: '/v1/chat/completions', headers, signal, token });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('the gateway did not answer in time')));
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
        if (body.length > LARGEST_ANSWER) request.destroy(new Error('the answer is too large'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const { via } = routeOf((name) => {
          const header = response.headers[name];
          return typeof header === 'string' ? header : undefined;
        });
        resolve({ status: response.statusCode ?? 0, route: via ?? '', body });
      });
    });
    request.end(payload);
  });
}
