import assert from 'node:assert/strict';
import path from 'node:path';
import esbuild from 'esbuild';
import { extensionOptions, nodeOptions, webviewOptions } from '../../esbuild.mjs';
import { fixtureFolder, lintAs, root, runTool } from './fixtures.js';

const IMPORTS_EDITOR = "import * as vscode from 'vscode';\nconsole.log(vscode.version);\n";

/** Compiles the fixture under one of the repository's tsconfigs. */
async function compile(config: string, source: string) {
  const tsconfig = { extends: path.join(root, config), include: [], files: ['fixture.ts'] };
  const { folder, remove } = await fixtureFolder({ 'fixture.ts': source, 'tsconfig.json': JSON.stringify(tsconfig) });
  try {
    return await runTool('node_modules/typescript/bin/tsc', ['-p', folder]);
  } finally {
    await remove();
  }
}

/** One run of the linter for a whole group: a fixture in each folder. Folders map to the rules broken there. */
function lintOnce(fixtures: [string, string][]) {
  let result: Promise<Record<string, string[]>> | undefined;
  const run = async () => {
    const broken = await lintAs(Object.fromEntries(fixtures.map(([folder, source]) => [`${folder}/x.ts`, source])));
    return Object.fromEntries(Object.entries(broken).map(([file, rules]) => [path.dirname(file), rules]));
  };
  return () => {
    result ??= run();
    return result;
  };
}

function bundle(options: esbuild.BuildOptions, folder: string, source = IMPORTS_EDITOR) {
  const stdin = { contents: source, resolveDir: path.join(root, folder), loader: 'ts' as const };
  return esbuild.build({ ...options, stdin, write: false, outfile: 'x.js', logLevel: 'silent' });
}

describe("importing 'vscode' outside the editor side", () => {
  describe('does not compile', () => {
    for (const config of ['tsconfig.gateway.json', 'tsconfig.webview.json']) {
      it(`under ${config}`, async function () {
        this.timeout(60_000);
        const { code, output } = await compile(config, IMPORTS_EDITOR);
        assert.notEqual(code, 0);
        assert.match(output, /noVscode\.d\.ts' is not a module/);
      });
    }

    it('though it does under tsconfig.vscode.json', async function () {
      this.timeout(60_000);
      const { code, output } = await compile('tsconfig.vscode.json', IMPORTS_EDITOR.replace('console.log', 'void '));
      assert.equal(code, 0, output);
    });
  });

  describe('does not pass the linter', () => {
    const closed = ['src/gateway', 'src/gateway/http', 'src/protocol', 'src/connect', 'src/loopback', 'webview/pages'];
    const broken = lintOnce([...closed, 'src/vscode'].map((tree) => [tree, IMPORTS_EDITOR]));

    for (const tree of closed) {
      it(`in ${tree}`, async () => assert.deepEqual((await broken())[tree], ['noRestrictedImports']));
    }

    it('though it does in src/vscode', async () => assert.deepEqual((await broken())['src/vscode'], []));
  });

  describe('does not build', () => {
    it("into the gateway's bundles", async () => {
      await assert.rejects(bundle(nodeOptions(), 'src/gateway'), /Could not resolve "vscode"/);
    });

    it('into a page', async () => {
      await assert.rejects(bundle(webviewOptions(), 'webview'), /Could not resolve "vscode"/);
    });

    it("though it does into the extension's", async () => {
      await bundle(extensionOptions(), 'src/vscode');
    });
  });
});

describe('one direction of import', () => {
  const refused: [string, string][] = [
    ['src/gateway/http', '../../vscode/settings.js'],
    ['src/gateway', '../connect/continue.js'],
    ['src/protocol', '../gateway/ports.js'],
    ['src/connect', '../vscode/settings.js'],
    ['src/connect', '../gateway/ports.js'],
    ['src/vscode', '../gateway/ports.js'],
    ['src/loopback', '../gateway/ports.js'],
    ['src/loopback', '../vscode/settings.js'],
    ['src/protocol', '../loopback/proof.js'],
    ['webview/pages', '../../src/loopback/proof.js'],
    ['webview/pages', '../../src/gateway/ports.js'],
    ['webview/pages', '../../src/vscode/settings.js'],
  ];
  const allowed: [string, string][] = [
    ['src/gateway/http', '../../protocol/chat.js'],
    ['src/gateway/http', '../routing/failure.js'],
    ['src/vscode', '../protocol/worker.js'],
    ['src/vscode', '../connect/continue.js'],
    ['src/vscode', '../loopback/proof.js'],
    ['src/gateway/http', '../../loopback/proof.js'],
    ['webview/pages', '../../src/protocol/chat.js'],
  ];
  const source = (target: string) => `import { x } from '${target}';\nconsole.log(x);\n`;
  const named = ([tree, target]: [string, string], index: number): [string, string] => [
    `${tree}/${index}`,
    source(target),
  ];
  const cases = [...refused, ...allowed];
  const broken = lintOnce(cases.map(named));

  for (const [index, [tree, target]] of cases.entries()) {
    const isRefused = index < refused.length;
    it(`${tree} ${isRefused ? 'does not' : 'may'} import ${target}`, async () => {
      assert.deepEqual((await broken())[`${tree}/${index}`], isRefused ? ['noRestrictedImports'] : []);
    });
  }
});
