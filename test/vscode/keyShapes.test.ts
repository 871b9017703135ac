import assert from 'node:assert/strict';
import type { ProviderView } from '../../src/protocol/provider.js';
import { cleanKey, literalPrefix, recogniseKey } from '../../src/vscode/keyShapes.js';

const provider = (id: string, keyPattern: string | null): ProviderView => ({
  id,
  name: id,
  offers: '',
  baseUrl: 'https://example.com',
  keyUrl: null,
  isKeyless: false,
  hasAccountId: false,
  keyPattern,
  terms: null,
  keys: 0,
  models: 0,
});
const providers = [
  provider('groq', '^gsk_[A-Za-z0-9]{20,}$'),
  provider('openrouter', '^sk-or-v1-[A-Za-z0-9]{20,}$'),
  provider('moonshot', '^sk-[A-Za-z0-9-]{20,}$'),
  provider('deepseek', '^sk-[A-Za-z0-9-]{20,}$'),
  provider('llm7', null),
  provider('broken', '(['),
];
const tail = 'Ab3dE6gH9jK2mN5pQ8sT1vW4';

describe('key shapes', () => {
  it('recognises a provider by its key, however it was pasted', () => {
    for (const text of [
      `gsk_${tail}`,
      ` "gsk_${tail}" `,
      `GROQ_API_KEY=gsk_${tail}`,
      `export GROQ_API_KEY='gsk_${tail}'`,
    ]) {
      const found = recogniseKey(text, providers);
      assert.ok(found?.kind === 'one' && found.provider.id === 'groq', text);
      assert.equal(found.key, `gsk_${tail}`);
    }
  });

  it('takes the shape that says most', () => {
    const found = recogniseKey(`sk-or-v1-${tail}`, providers);
    assert.ok(found?.kind === 'one' && found.provider.id === 'openrouter');
  });

  it('asks when several fit, or none', () => {
    const several = recogniseKey(`sk-${tail}`, providers);
    assert.ok(several?.kind === 'unsure');
    assert.deepEqual(
      several.providers.map(({ id }) => id),
      ['moonshot', 'deepseek'],
    );
    assert.deepEqual(recogniseKey(`${tail}${tail}`, providers), {
      kind: 'unsure',
      providers: [],
      key: `${tail}${tail}`,
    });
  });

  it('is not bothered by words', () => {
    for (const text of [
      '',
      'groq',
      'google gemini',
      'requests a minute',
      'https://console.groq.com/keys/abcdefgh1234',
    ]) {
      assert.equal(recogniseKey(text, providers), null, text);
    }
  });

  it('cleans and finds prefixes', () => {
    assert.equal(cleanKey(`Bearer ${tail}`), tail);
    assert.equal(cleanKey(`Authorization: Bearer ${tail}`), tail);
    assert.deepEqual(['^gsk_[A-Z]+$', 'AIza.{35}', 'a|b', 'sk-?x', '[0-9]'].map(literalPrefix), [
      'gsk_',
      'AIza',
      '',
      'sk',
      '',
    ]);
  });
});
