/** Keys and models that look like people's own; all made up. */
import { createHash } from 'node:crypto';

const FAMILIES = [
  'llama-3.1',
  'llama-3.3',
  'qwen2.5',
  'qwen3',
  'mistral-small',
  'gemma-3',
  'phi-4',
  'deepseek-v3',
  'glm-4.5',
  'olmo-2',
];
const SIZES = ['4b', '8b', '14b', '32b', '70b'];
const KINDS = ['', '-instruct', '-coder', '-thinking', '-vision'];

/** So many ids of models, as a large gateway lists them. */
function gatewayModels(count: number): string[] {
  const all = FAMILIES.flatMap((family) => SIZES.flatMap((size) => KINDS.map((kind) => `${family}-${size}${kind}`)));
  return all.slice(0, count);
}

/** What lists its models itself, by host. */
export const modelLists: Readonly<Record<string, readonly string[]>> = {
  'models.example.com': gatewayModels(240),
  'llm.example.org': ['codestral-22b', 'starcoder2-15b', 'granite-3.3-8b'],
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const HEX = '0123456789abcdef';
type Shape = [prefix: string, length: number, alphabet?: string];
const SHAPES: Readonly<Record<string, Shape>> = {
  google: ['AIza', 35],
  groq: ['gsk_', 52],
  cerebras: ['csk-', 48],
  openrouter: ['sk-or-v1-', 64, HEX],
  nvidia: ['nvapi-', 64],
  github: ['ghp_', 36],
  cohere: ['', 40],
  mistral: ['', 32],
  cloudflare: ['0123456789abcdef0123456789abcdef:', 40],
  huggingface: ['hf_', 34],
};

/** A key in its provider's shape; always the same for the same label. */
export function madeUpKey(provider: string, label: string): string {
  const [prefix, length, alphabet = LETTERS] = SHAPES[provider] ?? ['sk-', 44];
  const noise = createHash('sha512').update(`${provider} ${label}`).digest();
  return prefix + Array.from({ length }, (_, at) => alphabet[(noise[at % 64] ?? 0) % alphabet.length]).join('');
}
