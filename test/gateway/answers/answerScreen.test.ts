import assert from 'node:assert/strict';
import { AnswerScreen, screenWhole } from '../../../src/gateway/answers/answerScreen.js';
import type { ChatRequest } from '../../../src/protocol/chat.js';
import { everyCut } from './cuts.js';

const plain: ChatRequest = { model: 'auto', messages: [], stream: true };
const withTools: ChatRequest = {
  ...plain,
  tools: [{ type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } }],
};
const json: ChatRequest = { ...plain, response_format: { type: 'json_object' } };

function stream(pieces: readonly string[], request: ChatRequest) {
  const screen = new AnswerScreen(request, 'groq', false);
  let text = '';
  let calls = 0;
  const take = (out: ReturnType<AnswerScreen['push']>) => {
    for (const piece of out) {
      if (piece.type === 'text') text += piece.text;
      else calls += 1;
    }
  };
  for (const piece of pieces) {
    if (screen.isDone || screen.passes(piece)) text += piece;
    else take(screen.push(piece, text.trim() !== ''));
  }
  take(screen.end('stop', null, text.trim() !== ''));
  return { text, calls, rejection: screen.rejection };
}

describe('AnswerScreen', () => {
  for (const [name, request] of Object.entries({ plain, withTools, both: { ...withTools, ...json }, json })) {
    it(`reads a flood of white space in linear time: ${name}`, () => {
      const screen = new AnswerScreen(request, 'groq', false);
      for (let sent = 0; sent < 200_000; sent += 1) {
        screen.push(' \n', false);
        assert.equal(screen.isHolding, false);
      }
      assert.equal(screen.rejection, null);
    });
  }

  it('finds error prose behind white space, and gives other text with it', () => {
    const limited = ' \n\nRate limit exceeded, please try again later.\n';
    for (const pieces of everyCut(limited)) assert.match(stream(pieces, plain).rejection ?? '', /rate limit/);
    const text = ' \n\nRate limit exceeded is what a 429 says.\n';
    for (const pieces of everyCut(text)) assert.deepEqual(stream(pieces, plain), { text, calls: 0, rejection: null });
  });

  it('shows an example of a call, whole and streamed', () => {
    const call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';
    const text = `So:\n\n~~~xml\n${call}\n~~~\n\n> ${call.replaceAll('\n', '')}\n\n<pre>\n${call}\n</pre>\n`;
    for (const pieces of everyCut(text)) {
      assert.deepEqual(stream(pieces, withTools), { text, calls: 0, rejection: null }, JSON.stringify(pieces));
    }
    assert.deepEqual(screenWhole(text, withTools, 'stop', null), { text, calls: [] });
    assert.equal(stream([text, call], withTools).calls, 1);
  });
});
