import assert from 'node:assert/strict';
import { isPlaceholder, recogniseKey } from '../../../src/gateway/providers/keyShapes.js';
import { customProviderSpec, PROVIDERS, providerSpec } from '../../../src/gateway/providers/table.js';

describe('provider table', () => {
  it('has every provider once, with an https base URL, an offer and a source', () => {
    assert.equal(new Set(PROVIDERS.map((spec) => spec.id)).size, PROVIDERS.length);
    for (const spec of PROVIDERS) {
      assert.match(spec.id, /^[a-z0-9]+$/);
      assert.ok(spec.source.length > 0 && spec.offers.length > 0 && spec.name.length > 0, spec.id);
      assert.doesNotMatch(spec.baseUrl, /\/$/, spec.id);
      const url = new URL(spec.baseUrl.replace('{account_id}', 'a'));
      assert.equal(url.protocol, spec.wire === 'demo' ? 'http:' : 'https:');
      if (spec.keyUrl !== null) assert.equal(new URL(spec.keyUrl).protocol, 'https:', spec.id);
      assert.equal(spec.baseUrl.includes('{account_id}'), spec.hasAccountId === true, spec.id);
    }
  });

  it('asks for a key exactly where one is needed', () => {
    for (const spec of PROVIDERS) assert.equal(spec.keyUrl === null, spec.auth === 'none', spec.id);
  });

  it('holds the providers the README promises', () => {
    for (const id of ['google', 'groq', 'cohere', 'zai', 'sambanova', 'moonshot', 'minimax', 'xfyun', 'demo']) {
      assert.ok(providerSpec(id), id);
    }
    assert.ok(PROVIDERS.length >= 39);
    assert.equal(providerSpec('custom:lab'), undefined);
  });

  it('asks keyless servers for their models, which no catalog knows', () => {
    const lab = customProviderSpec('custom:lab', { baseUrl: 'http://x/v1', isKeyless: true });
    for (const spec of [lab, providerSpec('ovh'), providerSpec('aihorde')]) {
      assert.deepEqual([spec?.probe, spec?.modelsPath], [{ kind: 'models' }, '/models'], spec?.id);
    }
  });

  it('makes providers of the user’s own, with and without a key', () => {
    const spec = customProviderSpec('custom:lab', { name: 'Lab', baseUrl: 'http://127.0.0.1:9000/v1/' });
    assert.deepEqual([spec.name, spec.baseUrl, spec.auth], ['Lab', 'http://127.0.0.1:9000/v1', 'bearer']);
    assert.equal(customProviderSpec('custom:lab', { baseUrl: 'http://x/v1', isKeyless: true }).auth, 'none');
    assert.equal(customProviderSpec('custom:lab', { baseUrl: 'http://x/v1' }).name, 'lab');
  });
});

describe('recogniseKey', () => {
  const cases: [string, string][] = [
    [`AIza${'a'.repeat(35)}`, 'google'],
    [`gsk_${'a1'.repeat(26)}`, 'groq'],
    [`csk-${'a1'.repeat(24)}`, 'cerebras'],
    [`nvapi-${'a1'.repeat(32)}`, 'nvidia'],
    [`sk-or-v1-${'0a'.repeat(32)}`, 'openrouter'],
    [`sk-orca-${'a1'.repeat(16)}`, 'orcarouter'],
    [`github_pat_${'a1'.repeat(30)}`, 'github'],
    [`ghp_${'a1'.repeat(18)}`, 'github'],
    [`hf_${'aB'.repeat(17)}`, 'huggingface'],
    ['a1'.repeat(16), 'mistral'],
    ['a1'.repeat(20), 'cohere'],
    [`${'0a'.repeat(16)}:${'a1'.repeat(20)}`, 'cloudflare'],
    [`${'0a'.repeat(16)}.${'a1'.repeat(8)}`, 'zhipu'],
    ['123e4567-e89b-12d3-a456-426614174000', 'sambanova'],
    [`sk-${'a1'.repeat(24)}`, 'moonshot'],
  ];
  for (const [key, provider] of cases) {
    it(`takes ${key.slice(0, 9)}… for ${provider}`, () => assert.equal(recogniseKey(key)[0], provider));
  }
  it('takes no key for a placeholder, and the placeholders of examples for what they are', () => {
    for (const [key] of cases) assert.ok(!isPlaceholder(key), key);
    for (const text of ['gsk_…', '…', 'sk-...', '<your key>', 'YOUR_API_KEY', 'your-key']) {
      assert.ok(isPlaceholder(text), text);
    }
  });
  it('sees through what copying adds', () => {
    assert.equal(recogniseKey(`  GROQ_API_KEY="gsk_${'a'.repeat(52)}" \n`)[0], 'groq');
    assert.equal(recogniseKey(`Bearer gsk_${'a'.repeat(52)}`)[0], 'groq');
  });
  it('recognises nothing in ordinary text', () => {
    assert.deepEqual(recogniseKey('hello'), []);
    assert.deepEqual(recogniseKey('https://example.com/some/page'), []);
  });
});
