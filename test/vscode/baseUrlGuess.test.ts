import assert from 'node:assert/strict';
import { baseUrlGuesses } from '../../src/vscode/baseUrlGuess.js';

describe('the base URL that a pasted address means', () => {
  const cases: [string, string[]][] = [
    ['http://127.0.0.1:11434', ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1']],
    ['http://127.0.0.1:11434/', ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1']],
    [' https://lab.example/v1/ ', ['https://lab.example/v1']],
    ['https://lab.example/v1/chat/completions', ['https://lab.example/v1']],
    ['https://lab.example/api/v2beta/models', ['https://lab.example/api/v2beta']],
    ['https://lab.example/openai', ['https://lab.example/openai', 'https://lab.example/openai/v1']],
  ];
  for (const [address, guesses] of cases) {
    it(address.trim(), () => assert.deepEqual(baseUrlGuesses(address), guesses));
  }
});
