/** Whose keys a world has: nobody's, those of somebody who began last week, those of a whole team. */
import { madeUpKey } from './names.js';
import type { World } from './world.js';

interface MadeUp {
  provider: string;
  label: string;
  /** Of an endpoint of one's own. */
  baseUrl?: string;
  /** Needs no key. */
  isKeyless?: true;
}

const key = (provider: string, ...labels: string[]): MadeUp[] => labels.map((label) => ({ provider, label }));

export const FEW: readonly MadeUp[] = [
  ...key('groq', 'main', 'laptop'),
  ...key('google', 'AI Studio'),
  ...key('cerebras', 'main'),
  ...key('openrouter', 'main'),
  ...key('mistral', 'La Plateforme'),
  ...key('cloudflare', 'old account'),
  { provider: 'kilo', label: '', isKeyless: true },
  { provider: 'custom:workstation', label: 'LM Studio', baseUrl: 'https://llm.example.org/v1' },
];

const OLD = 'old account';
const TEAM = ['ana', 'ben', 'chiara', 'deniz', 'emil', 'fatou'];
const OFTEN = ['groq', 'google', 'cerebras', 'openrouter', 'mistral', 'nvidia', 'github'];
const ONCE = ['cohere', 'zhipu', 'huggingface', 'ollama', 'pollinations', 'llm7', 'opencode', 'sambanova'];

/** 60 keys of 18 providers; with the gateway's list of models over 350 models. */
export const MANY: readonly MadeUp[] = [
  ...OFTEN.flatMap((provider) => key(provider, ...TEAM)),
  ...ONCE.flatMap((provider) => key(provider, 'team')),
  ...key('cloudflare', 'team', OLD, 'staging'),
  ...key('zai', 'team', 'ana', 'ben', 'chiara'),
  { provider: 'kilo', label: '', isKeyless: true },
  { provider: 'custom:workstation', label: 'LM Studio', baseUrl: 'https://llm.example.org/v1' },
  { provider: 'custom:company', label: 'gateway', baseUrl: 'https://models.example.com/v1' },
];

const secretOf = ({ provider, label }: Pick<MadeUp, 'provider' | 'label'>): string => madeUpKey(provider, label);

/** Adds those that are not there yet, and lets their providers say something about some of them. */
export async function moveIn(world: World, people: readonly MadeUp[]): Promise<void> {
  const before = (await world.known()).keys;
  const news = people.filter((one) => !before.some((key) => key.provider === one.provider && key.label === one.label));
  for (const one of news) {
    const { provider, label, baseUrl, isKeyless } = one;
    const secret = isKeyless ? {} : { key: secretOf(one) };
    await world.api('POST', '/api/keys', { provider, label, ...secret, ...(baseUrl ? { baseUrl } : {}) });
    if (label === OLD) world.internet.refused.add(secretOf(one).replace(/^.*:/, ''));
  }
  const { keys } = await world.known();
  for (const { id, provider, label } of keys) {
    // Who lists models himself, and who refuses a key, says so when the key is tested.
    if (provider.startsWith('custom:') || label === OLD) await world.api('POST', `/api/keys/${id}/test`);
  }
}

/** Asks until the keys of these labels have run into limits: cooldowns of now, in the providers' own words. */
export async function runIntoLimits(world: World, people: readonly MadeUp[], label: string): Promise<void> {
  const { limited } = world.internet;
  for (const one of people) {
    if (one.provider === 'groq' && one.label === label) limited.set(secretOf(one), GROQ_TOKENS);
    if (one.provider === 'openrouter') limited.set(secretOf(one), OPENROUTER_DAY);
  }
  const { keys, chain } = await world.known();
  for (const provider of ['groq', 'openrouter']) {
    const models = chain.filter((model) => model.enabled && model.provider === provider).slice(0, 2);
    // Each request begins with another key.
    const times = keys.filter((key) => key.provider === provider).length;
    for (const { model } of models) for (let n = 0; n < times; n += 1) await world.chat(model);
  }
  // What the status bar tells of is an answer.
  const { ok } = await world.chat('auto');
  if (!ok) throw new Error('nobody answers');
}

const GROQ_TOKENS = {
  words:
    'Rate limit reached for model `openai/gpt-oss-120b` on tokens per day (TPD): Limit 200000, Used 199120, Requested 1240.',
  seconds: 2_460,
};
const OPENROUTER_DAY = { words: 'Rate limit exceeded: free-models-per-day', seconds: 9_000 };
