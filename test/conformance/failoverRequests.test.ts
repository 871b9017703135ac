import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { failsOver, isBenchedFor, second, startScene } from '../support/failoverScene.js';
import { chatCompletion, completionBody, errorStatus, type Handler, json, status } from '../support/provider.js';
import { assertError, u1Name } from '../support/scenario.js';

const offeredTool = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

describe('conformance B: failover, rejected requests and answers that are none', () => {
  const bed = useBed();

  for (const [number, code] of [
    [42, 400],
    [43, 422],
  ] as const) {
    it(`case ${number}: a ${code} about a parameter goes to U2`, async () => {
      const scene = await startScene(bed, errorStatus(code, "Unsupported parameter: 'frobnicate'"));
      await failsOver(scene, 'bad_request');
      // Nobody is benched for what the client said.
      await failsOver(scene, 'bad_request');
    });

    it(`case ${number}: if every provider says ${code}, the client gets their words`, async () => {
      const { gateway, u2 } = await startScene(bed, errorStatus(code, "Unsupported parameter: 'frobnicate'"));
      u2.script(errorStatus(code, 'frobnicate is not a parameter'));
      const response = await gateway.chat();
      const error = await assertError(response, 400, 'invalid_request_error', 'provider_rejected_request');
      assert.match(error.message, /frobnicate/);
    });
  }

  it('case 44: a request without messages is refused without a call', async () => {
    const { gateway, u1, u2 } = await startScene(bed, chatCompletion());
    const response = await gateway.v1('/v1/chat/completions', { body: { model: 'auto' } });
    const error = await assertError(response, 400, 'invalid_request_error', 'invalid_request');
    assert.equal(error.param, 'messages');
    assert.equal(u1.requests.length + u2.requests.length, 0);
  });

  for (const [number, title, answer] of [
    [45, 'an HTML page', status(200, '<html><body>It works!</body></html>', { 'content-type': 'text/html' })],
    [
      46,
      'truncated JSON',
      status(200, '{"id":"x","choices":[{"index":0,"mess', { 'content-type': 'application/json' }),
    ],
    [47, 'no choices', json(200, { ...completionBody(), choices: [] })],
    [47, 'empty content and stop', chatCompletion({ text: '' })],
    [47, 'null content and stop', chatCompletion({ text: null })],
    [47, 'whitespace and stop', chatCompletion({ text: ' \n ' })],
  ] as [number, string, Handler][]) {
    it(`case ${number}: 200 with ${title} goes to U2`, async () => {
      await failsOver(await startScene(bed, answer), 'empty');
    });
  }

  it("case 47: length without text is the client's own limit and passed on (design.md)", async () => {
    const scene = await startScene(bed, chatCompletion({ text: '', finish: 'length' }));
    const response = await scene.gateway.chat({ max_tokens: 1 });
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-routed-via'], u1Name);
    assert.equal((await response.json()).choices[0].finish_reason, 'length');
    const stream = await (await scene.gateway.chat({ max_tokens: 1, stream: true })).stream();
    assert.deepEqual(stream.finishReasons, ['length']);
    assert.equal(scene.u2.requests.length, 0);
  });

  it('case 47: empty answers bench only at the third in a row', async () => {
    const scene = await startScene(bed, chatCompletion({ text: '' }));
    for (let n = 0; n < 3; n += 1) await failsOver(scene, 'empty');
    await isBenchedFor(scene, 30 * second);
  });

  it('case 48: tool calls without content are an answer', async () => {
    const call = { id: 'call_a', name: 'get_weather', arguments: '{"city":"Paris"}' };
    const { gateway, u2 } = await startScene(bed, chatCompletion({ toolCalls: [call] }));
    const body = await (await gateway.chat({ tools: [offeredTool] })).json();
    assert.equal(body.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');
    assert.equal(body.choices[0].finish_reason, 'tool_calls');
    assert.equal(u2.requests.length, 0);
  });

  for (const failedGeneration of [
    '<function=get_weather>{"city":"Paris"}</function>',
    '{"name":"get_weather","arguments":{"city":"Paris"}}',
  ]) {
    for (const stream of [false, true]) {
      it(`case 50: Groq's tool_use_failed is rescued (${failedGeneration.slice(0, 9)}…, stream ${stream})`, async () => {
        const error = {
          message: "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
          type: 'invalid_request_error',
          code: 'tool_use_failed',
          failed_generation: failedGeneration,
        };
        const { gateway, u2 } = await startScene(bed, json(400, { error }));
        const response = await gateway.chat({ tools: [offeredTool], stream });
        assert.equal(response.status, 200);
        assert.equal(response.headers['x-routed-via'], u1Name);
        if (stream) {
          const answer = await response.stream();
          assert.equal(answer.toolCalls[0]?.name, 'get_weather');
          assert.deepEqual(JSON.parse(answer.toolCalls[0]?.arguments ?? ''), { city: 'Paris' });
          assert.deepEqual(answer.finishReasons, ['tool_calls']);
        } else {
          const choice = (await response.json()).choices[0];
          assert.equal(choice.message.tool_calls[0].function.name, 'get_weather');
          assert.deepEqual(JSON.parse(choice.message.tool_calls[0].function.arguments), { city: 'Paris' });
          assert.equal(choice.finish_reason, 'tool_calls');
        }
        assert.equal(u2.requests.length, 0);
      });
    }
  }
});
