import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The files under `folder` that hold one of the texts, plain or as base64 or hex.
 * @returns `found`, relative to the folder, and how many files were read
 */
export function scanFor(folder: string, texts: string[]): { found: string[]; files: number } {
  const needles = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    // Base64 of a text inside a longer one begins at any of three bits; this part of it is the same each time.
    const shifts = [0, 1, 2].map((shift) =>
      bytes
        .subarray((3 - shift) % 3)
        .toString('base64')
        .slice(0, -4),
    );
    return [text, bytes.toString('hex'), ...shifts];
  });
  const found: string[] = [];
  let files = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }) as Dirent[]) {
    if (!entry.isFile()) continue;
    files += 1;
    const file = path.join(entry.parentPath, entry.name);
    const content = readFileSync(file, 'latin1');
    if (needles.some((needle) => content.includes(needle))) found.push(path.relative(folder, file));
  }
  return { found: found.sort(), files };
}
