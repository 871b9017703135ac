import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../support/client.js';
import type { GatewayProcess } from './gatewayProcess.js';
import { Register, type ToldRequest } from './told.js';

/** Stands in every prompt, answer and key: none may be found in a file of the data folder. */
export const MARKS = {
  prompt: 'PROMPT-MARK-5f1d',
  completion: 'COMPLETION-MARK-8c2e',
  key: 'KEYMARK-3b7a-0123456789',
};

export const CHATTERS = 6;
/** Its provider refuses everything for an hour. */
export const USED_UP_MODEL = 'groq/llama-3.3-70b-versatile';
const MODELS = ['custom:one/m', 'custom:two/m', 'auto', USED_UP_MODEL];

/** Clients and an administrator at work on a gateway that may die under them at any moment, and what they were told. */
export class Load {
  readonly requests: ToldRequest[] = [];
  readonly retention = new Register<number>(90);
  /** Until somebody orders it, how the models do may order it (`balanced`). */
  readonly chain = new Register<string[]>();
  /** Label by key id. */
  readonly keys = new Map<string, Register<string | null>>();
  /** Providers of keys whose addition was on its way: their ids are not known. */
  readonly unconfirmedKeys = new Set<string>();
  saves = 0;
  private count = 0;
  private isStopped = false;

  constructor(private readonly endpoint: string) {}

  /** Works until `stop`, or until the gateway is gone. */
  async run(gateway: GatewayProcess): Promise<void> {
    this.isStopped = false;
    const loops = [...Array(CHATTERS).keys()].map((at) => this.loop(() => this.chat(gateway, at)));
    loops.push(
      this.loop(() => this.administer(gateway)),
      this.loop(() => this.changeKeys(gateway)),
    );
    await Promise.all(loops);
  }

  stop(): void {
    this.isStopped = true;
  }

  private async loop(step: () => Promise<void>): Promise<void> {
    while (!this.isStopped) {
      try {
        await step();
      } catch {
        // The gateway was killed in the middle; what is on its way stays on its way.
        return;
      }
    }
  }

  private async chat(gateway: GatewayProcess, at: number): Promise<void> {
    const number = ++this.count;
    const model = MODELS[number % MODELS.length] ?? 'auto';
    const response = await send(`${gateway.url}/v1/chat/completions`, {
      headers: { authorization: `Bearer ${gateway.token}`, 'user-agent': `crash-${at}/1.0` },
      body: {
        model,
        stream: number % 3 === 0,
        messages: [{ role: 'user', content: `${MARKS.prompt} number ${number}` }],
      },
    });
    await response.text();
    this.requests.push({
      id: String(response.headers['x-request-id']),
      at: Date.now(),
      model,
      status: response.status,
    });
    // Nobody was asked: a client would wait, too.
    if (response.status === 429) await sleep(20);
  }

  private async administer(gateway: GatewayProcess): Promise<void> {
    const days = 30 + (++this.count % 300);
    await this.retention.change(days, () => this.api(gateway, 'PUT', '/api/settings', { retentionDays: days }));
    const order = this.count % 2 ? ['custom:one/m', 'custom:two/m'] : ['custom:two/m', 'custom:one/m'];
    const data = order.map((model) => ({ model }));
    await this.chain.change(order, () => this.api(gateway, 'PUT', '/api/chain', { data }));
  }

  private async changeKeys(gateway: GatewayProcess): Promise<void> {
    const provider = `custom:k${++this.count}`;
    this.unconfirmedKeys.add(provider);
    const input = { provider, baseUrl: this.endpoint, key: `${MARKS.key}-${provider}`, label: 'first', models: ['m'] };
    const { key } = (await this.api(gateway, 'POST', '/api/keys', input)) as { key: { id: string } };
    this.unconfirmedKeys.delete(provider);
    const register = new Register<string | null>('first');
    this.keys.set(key.id, register);
    const change = (label: string) => async () => void (await this.api(gateway, 'PATCH', path, { label }));
    const path = `/api/keys/${key.id}`;
    await register.change('second', change('second'));
    const [oldest] = this.keys.keys();
    if (this.keys.size <= 5 || oldest === undefined) return;
    await this.keys.get(oldest)?.change(null, () => this.api(gateway, 'DELETE', `/api/keys/${oldest}`));
    this.keys.delete(oldest);
  }

  /** Resolves with the body once the gateway has confirmed. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes.
  private async api(gateway: GatewayProcess, method: string, path: string, body?: unknown): Promise<any> {
    const headers = { authorization: `Bearer ${gateway.adminToken}` };
    const response = await send(gateway.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    this.saves += 1;
    return text === '' ? null : JSON.parse(text);
  }
}
