import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { root } from '../../scripts/lib/prepare.mjs';

/** The repository's folder. */
export { root };

/**
 * A folder inside the repository (its node_modules must be found from there) that git ignores.
 * @returns its path and the function that deletes it
 */
export async function fixtureFolder(
  files: Record<string, string>,
): Promise<{ folder: string; remove(): Promise<void> }> {
  const parent = path.join(root, 'test-results');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(path.join(parent, 'fixture-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Runs one of the repository's own tools; the exit code is part of the result, never an error. */
export function runTool(file: string, args: string[], cwd = root): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(root, file), ...args], { cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, output: stdout + stderr }),
    );
  });
}

/**
 * Lints sources under the repository's own rules, as if they lay where they are named.
 * @param files source by path relative to the repository
 * @returns the names of the rules that each file breaks
 */
export async function lintAs(files: Record<string, string>): Promise<Record<string, string[]>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'freellm-lint-'));
  try {
    const config = JSON.parse(await readFile(path.join(root, 'biome.json'), 'utf8'));
    // The copy lies outside of any git repository.
    await writeFile(path.join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const args = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
    const { output } = await runTool('node_modules/@biomejs/biome/bin/biome', args, folder);
    return rulesByFile(output, Object.keys(files));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Diagnostic {
  category: string;
  location: { path: string | { file: string } };
}

function rulesByFile(output: string, files: string[]): Record<string, string[]> {
  const report = output.split('\n').find((line) => line.startsWith('{'));
  if (report === undefined) throw new Error(`biome reported nothing:\n${output}`);
  const broken: Record<string, string[]> = Object.fromEntries(files.map((file) => [file, []]));
  for (const { category, location } of JSON.parse(report).diagnostics as Diagnostic[]) {
    const file = typeof location.path === 'string' ? location.path : location.path.file;
    broken[path.normalize(file)]?.push(category.split('/').at(-1) ?? category);
  }
  return broken;
}
