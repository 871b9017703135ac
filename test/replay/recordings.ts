import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** One exchange with a real provider, as recorded (see the README beside the recordings). */
export interface Exchange {
  request: { method: string; uri: string | null; body: unknown };
  response: { status: number; headers: Record<string, string>; body: string };
}

/** One recording: exchanges in their order. */
export interface Recording {
  /** Path below the recordings folder, `groq/vercel.groq-text.json`. */
  file: string;
  provider: string;
  interactions: Exchange[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where the recordings lie; they are never copied into the project. Relative paths are from the repository's root. */
export const recordingsFolder = path.resolve(root, process.env.FREELLM_RECORDINGS ?? '../shared/recordings');

/** Every recording, sorted by name; null where there are none on this machine. */
export function loadRecordings(): Recording[] | null {
  if (!existsSync(recordingsFolder)) return null;
  const recordings: Recording[] = [];
  for (const folder of readdirSync(recordingsFolder, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const name of readdirSync(path.join(recordingsFolder, folder.name))) {
      const text = readFileSync(path.join(recordingsFolder, folder.name, name), 'utf8');
      const { provider, interactions } = JSON.parse(text) as Pick<Recording, 'provider' | 'interactions'>;
      recordings.push({ file: `${folder.name}/${name}`, provider, interactions });
    }
  }
  return recordings.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Whether the provider answered with server-sent events. Comments may come first (OpenRouter). */
export function isStreamed(exchange: Exchange): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(exchange.response.body);
}
