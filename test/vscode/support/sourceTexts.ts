import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'svelte/compiler';
import ts from 'typescript';

/** A node of Svelte's tree (its markup and its scripts alike), as far as we look at it. */
interface SvelteNode {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

/** Attributes whose value people read or hear. */
const SPOKEN = new Set([
  'title',
  'alt',
  'placeholder',
  'label',
  'aria-label',
  'aria-description',
  'aria-roledescription',
]);

/** The literals that are the first argument of calls of `translate` in a .ts or .svelte file. @throws for anything but a literal. */
export function textsIn(file: string, translate: string): string[] {
  const source = readFileSync(file, 'utf8');
  return file.endsWith('.svelte') ? textsOfSvelte(file, source, translate) : textsOfScript(file, source, translate);
}

function textsOfScript(file: string, text: string, translate: string): string[] {
  const texts: string[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === translate) {
      const [first] = node.arguments;
      assert.ok(first && ts.isStringLiteralLike(first), `${file}: ${translate} takes a literal, not an expression`);
      texts.push(first.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

function textsOfSvelte(file: string, source: string, translate: string): string[] {
  const texts: string[] = [];
  walk(treeOf(source), (node) => {
    if (node.type !== 'CallExpression') return;
    const callee = node['callee'] as SvelteNode;
    if (source.slice(callee.start, callee.end) !== translate) return;
    const [first] = node['arguments'] as SvelteNode[];
    assert.equal(typeof first?.['value'], 'string', `${file}: ${translate} takes a literal, not an expression`);
    texts.push(first?.['value'] as string);
  });
  return texts;
}

/** Words that stand in a component's markup as they are: text, and attributes that are read out. */
export function rawTexts(file: string): string[] {
  if (!file.endsWith('.svelte')) return [];
  const found: string[] = [];
  const note = (node: SvelteNode): void => {
    const text = String(node['data']).trim();
    // Two letters in a row make a word; `k`, `·` and numbers are none.
    if (/\p{L}{2}/u.test(text)) found.push(text);
  };
  walk(treeOf(readFileSync(file, 'utf8'))['fragment'] as SvelteNode, (node) => {
    if (node.type === 'Text') note(node);
    if (node.type === 'Attribute' && SPOKEN.has(String(node['name'])) && Array.isArray(node['value'])) {
      for (const part of node['value'] as SvelteNode[]) if (part.type === 'Text') note(part);
    }
  });
  return found;
}

function treeOf(source: string): SvelteNode {
  return parse(source, { modern: true }) as unknown as SvelteNode;
}

/** All nodes below, save that the text of attributes is told of by its attribute alone. */
function walk(node: SvelteNode, visit: (node: SvelteNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child !== 'object' || child === null || typeof (child as SvelteNode).type !== 'string') continue;
      if (node.type === 'Attribute' && (child as SvelteNode).type === 'Text') continue;
      walk(child as SvelteNode, visit);
    }
  }
}
