/** Whose keys a world has: nobody's, those of somebody who began last week, those of a whole team. */
import type { KeyView } from '../../src/protocol/keys.js';
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

const TEAM = ['ana', 'ben', 'chiara', 'deniz', 'emil', 'fatou'];
const OFTEN = ['groq', 'google', 'cerebras', 'openrouter', 'mistral', 'nvidia', 'github'];
const ONCE = ['cohere', 'zhipu', 'huggingface', 'ollama', 'pollinations', 'llm7', 'opencode', 'sambanova'];

/** 60 keys of 18 providers; with the gateway's list of models over 350 models. */
export const MANY: readonly MadeUp[] = [
  ...OFTEN.flatMap((provider) => key(provider, ...TEAM)),
  ...ONCE.flatMap((provider) => key(provider, 'team')),
  ...key('cloudflare', 'team', 'old account', 'staging'),
  ...key('zai', 'team', 'ana', 'ben', 'chiara'),
  { provider: 'kilo', label: '', isKeyless: true },
  { provider: 'custom:workstation', label: 'LM Studio', baseUrl: 'https://llm.example.org/v1' },
  { provider: 'custom:company', label: 'gateway', baseUrl: 'https://models.example.com/v1' },
];

/** Adds them, and lets their providers say something about some of them. */
export async function moveIn(world: World, people: readonly MadeUp[]): Promise<void> {
  for (const { provider, label, baseUrl, isKeyless } of people) {
    const secret = isKeyless ? {} : { key: madeUpKey(provider, label) };
    await world.api('POST', '/api/keys', { provider, label, ...secret, ...(baseUrl ? { baseUrl } : {}) });
  }
  const { data } = await world.api<{ data: KeyView[] }>('GET', '/api/keys');
  world.internet.refused.add(madeUpKey('cloudflare', 'old account').replace(/^.*:/, ''));
  for (const { id, provider, label } of data) {
    // Who lists models himself, and who refuses a key, says so when the key is tested.
    if (provider.startsWith('custom:') || label === 'old account') await world.api('POST', `/api/keys/${id}/test`);
  }
}

/** Runs into the limits of some keys: the cooldowns of now, in the providers' own words. */
export async function runIntoLimits(world: World, label: string): Promise<void> {
  const { limited } = world.internet;
  limited.set(madeUpKey('groq', label), {
    words: 'Rate limit reached for model `openai/gpt-oss-120b` on tokens per minute (TPM): Limit 8000, Used 7612, Requested 1240.',
    seconds: 2_460,
  });
  limited.set(madeUpKey('openrouter', label), { words: 'Rate limit exceeded: free-models-per-day', seconds: 9_000 });
}
