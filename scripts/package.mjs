// `npm run package`: builds, packages, and refuses what is too large.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build, root } from './lib/prepare.mjs';
import { run } from './lib/processes.mjs';
import { checkPackage } from './lib/sizes.mjs';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const file = path.join(root, `freellm-${version}.vsix`);
const vsce = path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
const flags = ['package', '--no-dependencies', '--allow-missing-repository', '--out', file];

try {
  await build(['--production']);
  const { code } = await run(process.execPath, [vsce, ...flags], { cwd: root });
  if (code !== 0) throw new Error('vsce failed');
  checkPackage(file);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
