import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { customProviderSpec, PROVIDERS } from '../../src/gateway/providers/table.js';
import { rawTexts, textsIn } from './support/sourceTexts.js';

const BUNDLE = 'l10n/bundle.l10n.json';
/** Where users' words come from, and what hands them to the translation there. */
const SOURCES = [
  { folder: 'src/vscode', translate: 'vscode.l10n.t' },
  { folder: 'webview', translate: 't' },
];

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|svelte)$/.test(file))
    .map((file) => path.join(folder, file));

/** Every text that the editor side and the pages have translated. */
function usedTexts(): string[] {
  const texts = SOURCES.flatMap(({ folder, translate }) => filesIn(folder).flatMap((file) => textsIn(file, translate)));
  return [...new Set([...texts, ...textsIn('src/extension.ts', 'vscode.l10n.t'), ...tableTexts()])].sort();
}

/** What the table of providers says, which the editor side and the pages translate where they show it. */
function tableTexts(): string[] {
  const own = customProviderSpec('custom:x', { baseUrl: 'http://127.0.0.1:1' });
  return [...PROVIDERS, own].flatMap(({ offers, terms }) => [offers, terms?.note ?? '']).filter((text) => text !== '');
}

const read = (file: string): Record<string, string> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
const holes = (text: string): string[] => (text.match(/\{\d+\}|\$\([^)]*\)/g) ?? []).sort();

describe('l10n', () => {
  it('has every text in the bundle, and none that is gone (UPDATE_L10N=1 writes it)', () => {
    const texts = usedTexts();
    if (process.env.UPDATE_L10N) {
      const bundle = Object.fromEntries(texts.map((text) => [text, text]));
      writeFileSync(BUNDLE, `${JSON.stringify(bundle, null, 2)}\n`);
    }
    assert.deepEqual(Object.keys(read(BUNDLE)).sort(), texts);
  });

  for (const file of readdirSync('l10n').filter((name) => /^bundle\.l10n\..+\.json$/.test(name))) {
    it(`${file} translates every text and keeps its holes and icons`, () => {
      const translated = read(path.join('l10n', file));
      assert.deepEqual(Object.keys(translated).sort(), Object.keys(read(BUNDLE)).sort());
      for (const [text, translation] of Object.entries(translated))
        assert.deepEqual(holes(translation), holes(text), text);
    });
  }

  it('leaves no words untranslated in the markup of the pages', () => {
    const found = filesIn('webview').flatMap((file) => rawTexts(file).map((text) => `${file}: ${text}`));
    assert.deepEqual(found, []);
  });

  it('has the same keys in every package.nls file', () => {
    for (const file of readdirSync('.').filter((name) => /^package\.nls\..+\.json$/.test(name))) {
      assert.deepEqual(Object.keys(read(file)).sort(), Object.keys(read('package.nls.json')).sort(), file);
    }
    assert.ok(existsSync('package.nls.json'));
  });
});
