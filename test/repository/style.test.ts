import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lintAs, root, runTool } from './fixtures.js';

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

describe('house style', () => {
  it('keeps src/extension.ts a composition root of at most 100 lines', () => {
    const lines = readFileSync(path.join(root, 'src/extension.ts'), 'utf8').trimEnd().split('\n').length;
    assert.ok(lines <= 100, `${lines} lines`);
  });

  it('refuses any and default exports', async () => {
    const broken = await lintAs({
      'src/gateway/any.ts': 'export const x: any = 1;\n',
      'src/gateway/default.ts': 'export default 1;\n',
      'src/gateway/fine.ts': 'export const x = 1;\n',
    });
    assert.deepEqual(broken, {
      'src/gateway/any.ts': ['noExplicitAny'],
      'src/gateway/default.ts': ['noDefaultExport'],
      'src/gateway/fine.ts': [],
    });
  });

  it('has no files named utils or index', () => {
    const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      sources.filter((file) => /(^|[\\/])(utils|helpers|index)\.ts$/.test(file)),
      [],
    );
  });
});

describe('the packages', () => {
  /** Fixed by the card in the design. */
  const card = [
    '@types/vscode',
    '@vscode/vsce',
    'esbuild',
    'hono',
    '@hono/node-server',
    'sql.js',
    'eventsource-parser',
    '@vscode/webview-ui-toolkit',
    'svelte',
    'mocha',
    '@vscode/test-electron',
  ];
  const wanted: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies };

  for (const name of card) {
    it(`include ${name}`, () => {
      assert.ok(wanted[name]);
      assert.ok(existsSync(path.join(root, 'node_modules', name, 'package.json')));
    });
  }

  it('are pinned to exact versions', () => {
    const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    assert.deepEqual(loose, []);
  });

  it('keep the editor types at the oldest editor that is supported', () => {
    assert.equal(`^${wanted['@types/vscode']}`, manifest.engines.vscode);
  });
});

describe('the package', () => {
  it('ships what runs and what is read, nothing else', async function () {
    this.timeout(60_000);
    const { output } = await runTool('node_modules/@vscode/vsce/vsce', ['ls', '--no-dependencies']);
    const files = output.split('\n').filter(Boolean);
    const allowed =
      /^(dist\/(\w+\.js|sql-wasm\.wasm|webview\/.+\.(js|css))|media\/.+|l10n\/.+\.json|package(\.nls.*)?\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
    assert.deepEqual(
      files.filter((file) => !allowed.test(file)),
      [],
    );
    for (const file of ['dist/extension.js', 'dist/gateway.js', 'dist/worker.js', 'LICENSE'])
      assert.ok(files.includes(file), file);
  });
});
