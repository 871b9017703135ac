import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const SOURCES = 'src/vscode';
const BUNDLE = 'l10n/bundle.l10n.json';

/** Every text that the editor side passes to `vscode.l10n.t`. */
function usedTexts(): string[] {
  const texts = new Set<string>();
  const files = readdirSync(SOURCES).filter((file) => file.endsWith('.ts'));
  for (const file of [...files.map((name) => path.join(SOURCES, name)), 'src/extension.ts']) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && node.expression.getText(source) === 'vscode.l10n.t') {
        const [text] = node.arguments;
        assert.ok(text && ts.isStringLiteralLike(text), `${file}: l10n.t takes a literal, not an expression`);
        texts.add(text.text);
      }
      ts.forEachChild(node, visit);
    };
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
    visit(source);
  }
  return [...texts].sort();
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

  it('has the same keys in every package.nls file', () => {
    for (const file of readdirSync('.').filter((name) => /^package\.nls\..+\.json$/.test(name))) {
      assert.deepEqual(Object.keys(read(file)).sort(), Object.keys(read('package.nls.json')).sort(), file);
    }
    assert.ok(existsSync('package.nls.json'));
  });
});
