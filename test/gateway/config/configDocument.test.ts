import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { configSchema, parseConfig } from '../../../src/gateway/config/configFile.js';
import { PROVIDERS } from '../../../src/gateway/providers/table.js';
import { DEFAULTS } from '../../../src/gateway/settings.js';
import { codeBlocks, tablesOf } from '../../support/markdown.js';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
}

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const document = read('docs/config.md');
const readme = read('README.md');
const known = PROVIDERS.map(({ id }) => id);

/** Every named field, as `providers.<>.keys[].label`. */
function fieldsOf(node: SchemaNode, path = ''): string[] {
  const { properties = {}, additionalProperties, items } = node;
  const named = Object.entries(properties).flatMap(([name, child]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...fieldsOf(child, field)];
  });
  const others = typeof additionalProperties === 'object' ? fieldsOf(additionalProperties, `${path}.<>`) : [];
  return [...named, ...others, ...(items ? fieldsOf(items, `${path}[]`) : [])];
}

/** The fields that the document's tables name: a table's heading says what they are fields of. */
function documentedFields(): { field: string; name: string; default: string | undefined }[] {
  return tablesOf(document)
    .filter(([header]) => header?.[0]?.startsWith('field of'))
    .flatMap(([header = [], ...rows]) => {
      const parents = header[0] === 'field of the file' ? [''] : codeIn(header[0]).map((parent) => `${parent}.`);
      const defaultAt = header.indexOf('default');
      return parents.flatMap((parent) =>
        rows.map((row) => {
          const name = codeIn(row[0])[0] ?? '';
          return { field: `${parent}${name}`.replace(/<[^>]+>/g, '<>'), name, default: row[defaultAt] };
        }),
      );
    });
}

function codeIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

describe('docs/config.md', () => {
  it('names every field of the config file, each once, and no other', () => {
    const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
    const fields = documentedFields().map(({ field }) => field);
    assert.deepEqual(fields.sort(), fieldsOf(schema).sort());
  });

  it('says the defaults of the settings as they are in code', () => {
    for (const [name, value] of Object.entries(DEFAULTS)) {
      const row = documentedFields().find(({ field }) => field === `settings.${name}`);
      assert.deepEqual(codeIn(row?.default), [JSON.stringify(value)], name);
    }
  });

  const [complete = ''] = codeBlocks(document, 'jsonc');
  const examples = [...codeBlocks(document, 'jsonc'), ...codeBlocks(readme, 'jsonc')];
  for (const [position, text] of examples.entries()) {
    it(`and the README have an example ${position + 1} that is a config once its placeholders are replaced`, () => {
      assert.throws(() => parseConfig(text, known), /is still the placeholder of an example/);
      let next = 16;
      const unique = () => `0123456789abcdef${(next++).toString(16)}`;
      parseConfig(text.replaceAll('…', unique), known);
    });
  }

  it('shows every field in its complete example', () => {
    const missing = documentedFields()
      // The limits are all alike, and a strategy is either among the settings or outside of them.
      .filter(({ field }) => !/limits\.(<>\.)?\w+$/.test(field) && field !== 'settings.strategy')
      .filter(({ name }) => !complete.includes(`"${name}"`));
    assert.deepEqual(missing, []);
  });
});
