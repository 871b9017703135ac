import assert from 'node:assert/strict';
import { ConfigError, parseConfig } from '../../../src/gateway/config/configFile.js';

const known = ['groq', 'google'];

describe('config file', () => {
  it('takes comments, trailing commas and everything the contract shows', () => {
    const config = parseConfig(
      `\uFEFF{ // a comment
        "providers": {
          "groq": { "keys": [{ "key": "gsk_x", "label": "main", "models": ["a"], "limits": { "rpm": 10 } }],
                    "baseUrl": "http://127.0.0.1:9001/openai/v1", "enabled": true,
                    "timeouts": { "connectMs": 10000, "firstByteMs": 30000, "idleMs": 90000 } },
          "custom:lab": { "name": "Lab", "baseUrl": "http://127.0.0.1:9000/v1", "keys": [{ "key": "k" }],
                          "models": [{ "id": "m1", "contextWindow": 32768, "maxOutput": 4096, "tools": true, "vision": false }] },
        },
        "chain": ["groq/a", "custom:lab/m1"], "strategy": "priority",
        "profiles": { "coding": { "chain": ["custom:lab/m1"], "strategy": "priority" } },
        "limits": { "groq/a": { "rpm": 2, "rpd": 100, "tpm": 6000, "tpd": 50000 } },
        "settings": { "queue.timeoutSeconds": 0, "stickyMinutes": 30, "contextHandoff": true, "healthProbes": false },
      }`,
      known,
    );
    assert.equal(config.providers?.['groq']?.keys?.[0]?.key, 'gsk_x');
  });

  const bad: [name: string, text: string, message: RegExp][] = [
    ['broken JSON, with its line', '{\n "a": 1\n "b" }', /^line 3: not valid JSON/],
    [
      'an unknown provider, with the nearest',
      '{"providers":{"grok":{}}}',
      /^providers\.grok: unknown provider \(did you mean "groq"\?\)/,
    ],
    [
      'a wrong type, with its path',
      '{"providers":{"groq":{"keys":[{"key":7}]}}}',
      /^providers\.groq\.keys\[0\]\.key: /,
    ],
    [
      'a bare key',
      '{"providers":{"groq":{"keys":["gsk_x"]}}}',
      /^providers\.groq\.keys\[0\]: expected an object such as/,
    ],
    [
      'a key that is the placeholder of the example',
      '{"providers":{"groq":{"keys":[{"key":"gsk_…"}]}}}',
      /^providers\.groq\.keys\[0\]\.key: is still the placeholder of an example/,
    ],
    ['a token that is one', '{"token":"freellmapi-…"}', /^token: is still the placeholder/],
    [
      'a key that no header takes',
      '{"providers":{"groq":{"keys":[{"key":"gsk_1 2"}]}}}',
      /^providers\.groq\.keys\[0\]\.key: has a space/,
    ],
    ['an unknown field', '{"provider":{}}', /provider/],
    ['a custom provider without base URL', '{"providers":{"custom:x":{}}}', /^providers\.custom:x\.baseUrl: /],
    [
      'a base URL that is none',
      '{"providers":{"groq":{"baseUrl":"ftp://x"}}}',
      /^providers\.groq\.baseUrl: expected an http/,
    ],
    ['a chain entry without provider', '{"chain":["llama"]}', /^chain\[0\]: expected "provider\/model"/],
    ['a chain entry of an unknown provider', '{"chain":["nope/m"]}', /^chain\[0\]: unknown provider "nope"/],
    ['a chain of nobody', '{"chain":[]}', /^chain: names no model$/],
    ['a model twice in the chain', '{"chain":["groq/a","groq/b","groq/a"]}', /^chain: names a model twice$/],
    ['a profile of nobody', '{"profiles":{"x":{"chain":[]}}}', /^profiles\.x\.chain: names no model$/],
    [
      'a model twice in a profile',
      '{"profiles":{"x":{"chain":["groq/a","groq/a"]}}}',
      /^profiles\.x\.chain: names a model twice$/,
    ],
    [
      'a profile with the name of a strategy',
      '{"profiles":{"fastest":{"chain":["groq/a"]}}}',
      /^profiles\.fastest: a profile cannot have the name of a strategy/,
    ],
    ['a strategy that is none', '{"strategy":"luckiest"}', /^strategy: /],
    ['a strategy of profiles for the chain', '{"strategy":"round-robin"}', /^strategy: /],
    [
      'weights that weigh nothing',
      '{"settings":{"strategyWeights":{"reliability":0,"speed":0,"intelligence":0,"headroom":0}}}',
      /^settings\.strategyWeights: needs a weight above 0/,
    ],
    [
      'to let a request wait for longer than an hour',
      '{"settings":{"queue.timeoutSeconds":3601}}',
      /^settings\.queue\.timeoutSeconds: /,
    ],
    ['an array', '[]', /^config: /],
  ];
  for (const [name, text, message] of bad) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseConfig(text, known),
        (error) => error instanceof ConfigError && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }
});
