import { readdirSync } from 'node:fs';
import path from 'node:path';
import esbuild from 'esbuild';
import { extensionOptions } from '../../esbuild.mjs';
import { root } from '../../scripts/lib/prepare.mjs';

/**
 * Bundles test/host/suite for the extension host. Mocha stays outside: it loads its own files.
 * @returns the file that VS Code is told as `extensionTestsPath`
 */
export async function bundleSuite(): Promise<string> {
  const folder = path.join(root, 'test', 'host', 'suite');
  const outdir = path.join(root, 'test-results', 'host-suite');
  await esbuild.build({
    ...extensionOptions(),
    external: ['vscode', 'mocha'],
    entryPoints: readdirSync(folder).map((name) => path.join(folder, name)),
    outdir,
  });
  return path.join(outdir, 'index.js');
}

/** The settings of the window that the suite runs in. */
export function suiteSettings(port: number): Record<string, unknown> {
  return { 'freellm.port': port, 'freellm.demo': true };
}
