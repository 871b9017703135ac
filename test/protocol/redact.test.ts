import assert from 'node:assert/strict';
import { redact, redactFields } from '../../src/protocol/redact.js';

/** Made up, joined here so that no scanner takes this file for a leak. */
const tail = 'Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7';

describe('redact', () => {
  const prefixes = [
    'gsk_',
    'AIza',
    'sk-or-v1-',
    'sk-',
    'sk-proj-',
    'csk-',
    'nvapi-',
    'hf_',
    'ghp_',
    'github_pat_',
    'pk_',
    'freellmapi-',
  ];
  for (const prefix of prefixes) {
    it(`masks ${prefix}… wherever it stands`, () => {
      for (const text of [
        prefix + tail,
        `Invalid key ${prefix}${tail}.`,
        `{"key":"${prefix}${tail}"}`,
        `https://x.test/v1?key=${prefix}${tail}&a=1`,
        `(${prefix}${tail})`,
      ]) {
        const out = redact(text);
        assert.ok(!out.includes(tail), out);
        assert.ok(!out.includes(tail.slice(-8)), out);
        assert.ok(out.includes('[redacted]'), out);
      }
    });
  }

  it('masks keys without a prefix after their name', () => {
    for (const text of [
      `key=${tail}`,
      `"apiKey": "${tail}"`,
      `api_key: ${tail}`,
      `x-api-key: ${tail}`,
      `Authorization: Bearer ${tail}`,
      `authorization: Basic ${tail}==`,
      `Bearer ${tail}`,
      `adminToken=${tail}`,
    ]) {
      const out = redact(text);
      assert.ok(!out.includes(tail), out);
    }
  });

  it('masks JWTs, dotted keys and passwords in URLs', () => {
    const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${tail}`;
    assert.equal(redact(`token ${jwt} end`), 'token [redacted] end');
    assert.equal(redact(`a ${'0123456789abcdef'.repeat(2)}.${tail} b`), 'a [redacted] b');
    assert.equal(redact('http://me:hunter2@proxy:8080/'), 'http://[redacted]@proxy:8080/');
  });

  it('leaves ordinary text alone', () => {
    for (const text of [
      'groq/llama-3.3-70b-versatile answered in 412 ms',
      'task-force-one and risk-assessments-everywhere',
      'cooldown 30000 ms, request 3f2a9c1e-8a77-4f0e-9f7c-0c5f6f1b2d3e',
      'Rate limit reached for model `openai/gpt-oss-120b`. Requested 34026 tokens',
      'http://127.0.0.1:3001/v1/chat/completions',
      'key added: provider groq, label main',
      'x-routed-via: google/gemini-2.5-flash',
    ]) {
      assert.equal(redact(text), text);
    }
  });

  it('changes nothing the second time', () => {
    const text = `Authorization: Bearer gsk_${tail} key=${tail} http://a:b@c Bearer ${tail}`;
    assert.equal(redact(redact(text)), redact(text));
  });

  it('stays fast on long hostile text', () => {
    const text = 'key='.repeat(20_000) + 'eyJ'.repeat(20_000) + 'http://'.repeat(20_000);
    redact(text);
  });
});

describe('redactFields', () => {
  it('goes all the way down and drops fields named like secrets', () => {
    const out = redactFields({
      apiKey: 'short',
      nested: { authorization: 'x', url: `https://h/?key=${tail}`, list: [`gsk_${tail}`, 7, null] },
      error: new Error(`bad gsk_${tail}`),
      promptTokens: 12,
    });
    assert.deepEqual(out, {
      apiKey: '[redacted]',
      nested: { authorization: '[redacted]', url: 'https://h/?key=[redacted]', list: ['gsk_[redacted]', 7, null] },
      error: 'bad gsk_[redacted]',
      promptTokens: 12,
    });
  });
});
