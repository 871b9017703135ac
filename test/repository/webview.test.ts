import assert from 'node:assert/strict';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import esbuild from 'esbuild';
import { webviewOptions } from '../../esbuild.mjs';
import { fixtureFolder } from './fixtures.js';

const PAGE = `<script lang="ts">
  let { name }: { name: string } = $props();
  let count = $state(0);
</script>
<h1>{name}</h1>
<vscode-button onclick={() => count++}>{count}</vscode-button>
<style>h1 { color: var(--vscode-foreground); }</style>
`;
const ENTRY = `import { provideVSCodeDesignSystem, vsCodeButton } from '@vscode/webview-ui-toolkit';
import { mount } from 'svelte';
import Page from './Page.svelte';
provideVSCodeDesignSystem().register(vsCodeButton());
mount(Page, { target: document.body, props: { name: 'Keys' } });
`;

describe('a webview page', () => {
  it('builds from Svelte and the toolkit, with its styles in a file of their own', async function () {
    this.timeout(60_000);
    const { folder, remove } = await fixtureFolder({ 'Page.svelte': PAGE, 'page.ts': ENTRY });
    try {
      const { outputFiles = [], metafile } = await esbuild.build({
        ...webviewOptions(true),
        entryPoints: [path.join(folder, 'page.ts')],
        outdir: path.join(folder, 'out'),
        write: false,
        metafile: true,
      });
      assert.deepEqual(outputFiles.map((file) => path.basename(file.path)).sort(), ['page.css', 'page.js']);
      const [script, style] = ['page.js', 'page.css'].map((name) =>
        outputFiles.find((file) => file.path.endsWith(name)),
      );
      assert.match(style?.text ?? '', /--vscode-foreground/);
      assert.doesNotMatch(script?.text ?? '', /h1\.svelte-\w+\s*\{/);
      assert.deepEqual(
        Object.keys(metafile?.inputs ?? {}).filter((file) => file.includes('node_modules/react')),
        [],
      );
      // A page's budget; see the design.
      assert.ok(gzipSync(script?.contents ?? '').length < 150_000);
    } finally {
      await remove();
    }
  });

  it('builds for development too, its modules with runes as well', async function () {
    this.timeout(60_000);
    const files = {
      'count.svelte.ts': 'export class Count { value = $state(0); }\n',
      'page.ts': "import { Count } from './count.svelte.js';\nconsole.log(new Count().value);\n",
    };
    const { folder, remove } = await fixtureFolder(files);
    try {
      const entryPoints = [path.join(folder, 'page.ts')];
      const outdir = path.join(folder, 'out');
      const { outputFiles = [] } = await esbuild.build({ ...webviewOptions(), entryPoints, outdir, write: false });
      assert.match(outputFiles[0]?.text ?? '', /sourceMappingURL=data:/);
    } finally {
      await remove();
    }
  });
});
