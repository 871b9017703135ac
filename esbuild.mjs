// Builds dist/: the extension, the gateway, the two programs that start it (worker thread, command line), the webview pages and sql.js's wasm.
// usage: node esbuild.mjs [--production] [--watch]
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import sveltePlugin from 'esbuild-svelte';
import { checkPages } from './scripts/lib/sizes.mjs';

export const root = path.dirname(fileURLToPath(import.meta.url));

/** @typedef {import('esbuild').BuildOptions} BuildOptions */

/**
 * What all bundles share. `tsconfigRaw` keeps esbuild from looking for a tsconfig, whose `paths` would
 * turn an import of `vscode` into an empty module instead of an error.
 * @param {boolean} production
 * @returns {BuildOptions}
 */
function common(production) {
  return {
    absWorkingDir: root,
    bundle: true,
    minify: production,
    sourcemap: production ? false : 'linked',
    legalComments: 'none',
    logLevel: 'warning',
    tsconfigRaw: { compilerOptions: { target: 'ES2023', verbatimModuleSyntax: true } },
    define: { 'process.env.FREELLM_BUILD': JSON.stringify(production ? 'production' : 'development') },
  };
}

/**
 * For code that runs in Node. `vscode` is deliberately not external: a gateway that imports it does not build.
 * @param {boolean} [production]
 * @returns {BuildOptions}
 */
export function nodeOptions(production = false) {
  // The ES module of a package where it has one: jsonc-parser's CommonJS build hides its requires from a bundler.
  return { ...common(production), platform: 'node', format: 'cjs', target: 'node20', mainFields: ['module', 'main'] };
}

/**
 * The editor side, the only bundle that may import `vscode`.
 * @param {boolean} [production]
 * @returns {BuildOptions}
 */
export function extensionOptions(production = false) {
  return { ...nodeOptions(production), external: ['vscode'] };
}

/**
 * The pages. Styles go into files of their own (`css: 'external'`), because the pages' content security
 * policy allows no inline style.
 * @param {boolean} [production]
 * @returns {BuildOptions}
 */
export function webviewOptions(production = false) {
  return {
    ...common(production),
    // esbuild-svelte transforms with the same option, and a transform can link nothing.
    sourcemap: production ? false : 'inline',
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    conditions: ['svelte', 'browser'],
    mainFields: ['svelte', 'browser', 'module', 'main'],
    plugins: [
      sveltePlugin({
        compilerOptions: { css: 'external', dev: !production },
        // Svelte takes the toolkit's elements, which bring their own roles and keys, for plain ones.
        filterWarnings: ({ code, message }) => !(code.startsWith('a11y_') && message.includes('`<vscode-')),
      }),
    ],
  };
}

/** @returns {Promise<string[]>} the pages' entry files, relative to the root; none is fine */
export async function pageEntries() {
  const folder = path.join(root, 'webview', 'pages');
  const names = existsSync(folder) ? await readdir(folder) : [];
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).map((name) => `webview/pages/${name}`);
}

/**
 * @param {boolean} production
 * @returns {Promise<BuildOptions[]>}
 */
async function allBuilds(production) {
  const builds = [
    { ...extensionOptions(production), entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js' },
    { ...nodeOptions(production), entryPoints: ['src/gateway/bundle.ts'], outfile: 'dist/gateway.js' },
    { ...nodeOptions(production), entryPoints: ['src/gateway/entries/worker.ts'], outfile: 'dist/worker.js' },
    {
      ...nodeOptions(production),
      entryPoints: ['src/gateway/entries/cli.ts'],
      outfile: 'dist/cli.js',
      banner: { js: '#!/usr/bin/env node' },
    },
  ];
  const pages = await pageEntries();
  return pages.length === 0
    ? builds
    : [...builds, { ...webviewOptions(production), entryPoints: pages, outdir: 'dist/webview' }];
}

async function copyWasm() {
  const wasm = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm');
  await cp(wasm, path.join(root, 'dist', 'sql-wasm.wasm'));
}

/**
 * @param {string[]} flags
 * @returns {Promise<void>}
 */
async function main(flags) {
  const production = flags.includes('--production');
  // Only what a build may leave behind: a window may be running the rest right now.
  await rm(path.join(root, 'dist', 'webview'), { recursive: true, force: true });
  await mkdir(path.join(root, 'dist', 'webview'), { recursive: true });
  await copyWasm();
  const builds = await allBuilds(production);
  if (!flags.includes('--watch')) {
    await Promise.all(builds.map((options) => esbuild.build(options)));
    if (production) checkPages(path.join(root, 'dist', 'webview'));
    return;
  }
  for (const options of builds) {
    const context = await esbuild.context({ ...options, logLevel: 'info' });
    await context.watch();
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    // esbuild has printed its own errors already.
    if (!Array.isArray(error?.errors)) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
