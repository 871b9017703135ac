import assert from 'node:assert/strict';
import { errorProseIn, mayBeErrorProse } from '../../../src/gateway/answers/errorProse.js';

const none = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const counted = { prompt_tokens: 9, completion_tokens: 20, total_tokens: 29 };

const NOTICES = [
  // As in the sources that src/gateway/answers/errorProse.ts names.
  "The account behind this API key doesn't have enough credits. This model needs paid Pollen. Please [top up](https://enter.pollinations.ai/top-up?ref=agent_low_balance_topup), then try again.\n\nIf this isn’t your Pollinations account, contact whoever runs the app or service you’re using.",
  'The account behind this API key doesn’t have enough credits. Please top up, then try again.',
  "The API key used for this request isn't allowed to use openai/gpt-5.5. Please [allow it for this key](https://enter.pollinations.ai/grant), then try again.",
  'The API key used for this request has reached its budget. Please [raise the key budget](https://enter.pollinations.ai/edit-key), then try again.\n\nTopping up the wallet does not raise this limit.',
  'rate limit exceeded, please try again later',
  'Rate limit reached. Retry in 20 s.\n',
  'Ratelimit Exceeded! Please join: https://discord.gg/airforce',
  'Too many requests, please slow down.',
];
const COUNTED_NOTICES = [
  '⚠️ **IMPORTANT NOTICE** ⚠️\n\nThe Pollinations legacy text API is being deprecated for **authenticated users**.\n\nPlease migrate to our new service at https://enter.pollinations.ai for better performance and access to all the latest models.\n\nNote: Anonymous requests to text.pollinations.ai are NOT affected and will continue to work normally.',
  'You have hit your ChatGPT usage limit (plus plan). Try again in ~4293 min.',
];
const ANSWERS = [
  'The account balance is 12.',
  'The rate limit was exceeded; please try again later.',
  'A 429 means: rate limit exceeded, please try again later.',
  'Rate limit exceeded is what a server says when you ask too often.',
  'Rate limit exceeded\n\nPlease see below how to handle it.',
  `Rate limit exceeded, please ${'and so on '.repeat(40)}`,
  'Too many requests were sent.',
  'Too many cooks',
  '⚠️ **IMPORTANT NOTICE** ⚠️\n\nThe pool is closed.',
  'You have hit your ChatGPT usage limit, and here is what to do about it: wait.',
  '',
];

describe('error prose', () => {
  for (const text of NOTICES) {
    it(`knows ${JSON.stringify(text.slice(0, 50))} where nothing was counted`, () => {
      assert.ok(errorProseIn(text, null));
      assert.ok(errorProseIn(text, none));
      assert.equal(errorProseIn(text, counted), null);
    });
  }
  for (const text of COUNTED_NOTICES) {
    it(`knows ${JSON.stringify(text.slice(0, 50))} in any case`, () => {
      for (const usage of [null, none, counted]) assert.ok(errorProseIn(text, usage));
    });
  }
  for (const text of ANSWERS) {
    it(`lets ${JSON.stringify(text.slice(0, 50))} be an answer`, () => assert.equal(errorProseIn(text, null), null));
  }

  it('holds every beginning of a notice, and of nothing else more than a few letters', () => {
    for (const text of [...NOTICES, ...COUNTED_NOTICES]) {
      for (let length = 1; length <= text.length; length += 1) {
        assert.ok(mayBeErrorProse(text.slice(0, length), 'pollinations'));
        assert.ok(mayBeErrorProse(text.slice(0, length), 'custom:mine'));
      }
    }
    for (const text of ['The answer', 'Ratio', 'Rate limits', 'You have hits', 'I', ' ', '']) {
      assert.equal(mayBeErrorProse(text, 'pollinations'), false, text);
    }
    for (const text of ANSWERS) assert.equal(mayBeErrorProse(`${text} ${'x'.repeat(800)}`, 'pollinations'), false);
  });

  it('holds no "The", "To" or "You" of providers that were never seen to say such things', () => {
    for (const text of ['T', 'The', 'The account', 'To', 'You', 'You have hit']) {
      assert.equal(mayBeErrorProse(text, 'groq'), false, text);
    }
    assert.equal(mayBeErrorProse('Rate lim', 'groq'), true);
  });

  it('never repeats the text itself', () => {
    for (const text of [...NOTICES, ...COUNTED_NOTICES]) {
      const message = errorProseIn(text, null) ?? '';
      assert.doesNotMatch(message, /https?:|pollen|discord/i);
    }
  });
});
