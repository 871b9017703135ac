import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { type ClientResponse, dataWith } from '../support/client.js';
import { createGate } from '../support/gate.js';
import { createManualClock } from '../support/manualClock.js';
import {
  type CompletionShape,
  chatCompletion,
  chatStream,
  chunk,
  completionBody,
  type Handler,
  json,
  paced,
  sse,
  sseText,
  streamOf,
} from '../support/provider.js';
import { assertError, chainOf, configOf, u1Name, u2Name } from '../support/scenario.js';

const role = chunk({ role: 'assistant', content: '' });
const text = (content: string) => chunk({ content });
const noUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const second = 1000;

const properties = { city: { type: 'string' }, days: { type: 'array', items: { type: 'integer' } } };
const tools = [
  { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties } } },
  { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } },
];
const withTools = { tools };
const jsonMode = { response_format: { type: 'json_object' } };
const schemaMode = {
  response_format: {
    type: 'json_schema',
    json_schema: { name: 'city', schema: { type: 'object', properties: { city: {} }, required: ['city'] } },
  },
};
const fenced = '```json\n{"city": "Paris"}\n```';
const call = '{"name": "get_weather", "arguments": {"city": "Paris"}}';

/** The answer in one of its two forms, as a client reads it. */
interface Answer {
  response: ClientResponse;
  text: string;
  calls: { name: string; args: unknown; id: string }[];
  finish: string;
}

describe('conformance: answers that only look right', () => {
  const bed = useBed();

  async function scene(first: Handler | readonly Handler[], body: Record<string, unknown>) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(chatCompletion({ text: '{"city":"from two"}' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    return { clock, u1, u2, gateway, ask: (isStream: boolean) => gateway.chat({ ...body, stream: isStream }) };
  }

  async function read(response: ClientResponse, isStream: boolean): Promise<Answer> {
    if (isStream) {
      const stream = await response.stream();
      assert.deepEqual(stream.errors, []);
      assert.equal(stream.sawDone, true);
      assert.equal(stream.roleChunks, 1);
      assert.equal(stream.finishReasons.length, 1);
      const calls = stream.toolCalls.map(({ name, arguments: args, id }) => ({
        name,
        args: JSON.parse(args),
        id: id!,
      }));
      return { response, text: stream.text, calls, finish: stream.finishReasons[0]! };
    }
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    const [{ message, finish_reason: finish }] = body.choices;
    const calls = (message.tool_calls ?? []).map(
      (one: { id: string; type: string; function: { name: string; arguments: string } }) => {
        assert.equal(one.type, 'function');
        return { name: one.function.name, args: JSON.parse(one.function.arguments), id: one.id };
      },
    );
    if (calls.length > 0 && message.content !== null) assert.notEqual(message.content, '');
    return { response, text: message.content ?? '', calls, finish };
  }

  /** The same in both forms: `it` twice. The stream's text comes in pieces of three characters. */
  function both(
    name: string,
    shape: CompletionShape,
    body: Record<string, unknown>,
    check: (answer: Answer, isStream: boolean) => void,
  ): void {
    for (const isStream of [false, true]) {
      it(`${name}${isStream ? ', streaming' : ''}`, async () => {
        const handler = isStream ? chatStream(inPieces(shape)) : json(200, completionBody(shape));
        const { ask } = await scene(handler, body);
        check(await read(await ask(isStream), isStream), isStream);
      });
    }
  }

  const failsOver = ({ response, text: seen }: Answer) => {
    assert.equal(response.headers['x-routed-via'], u2Name);
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=empty`);
    assert.equal(seen, '{"city":"from two"}');
  };
  const says = (expected: string) => (answer: Answer) => {
    assert.equal(answer.response.headers['x-routed-via'], u1Name);
    assert.deepEqual([answer.text, answer.calls, answer.finish], [expected, [], 'stop']);
  };
  const calls =
    (expected: unknown[], before = '') =>
    (answer: Answer) => {
      assert.equal(answer.response.headers['x-routed-via'], u1Name);
      assert.deepEqual(
        answer.calls.map(({ name, args }) => ({ name, args })),
        expected,
      );
      assert.equal(new Set(answer.calls.map(({ id }) => id)).size, expected.length);
      assert.equal(answer.text.trim(), before);
      assert.equal(answer.finish, 'tool_calls');
    };

  describe('case 49: error prose in a 200', () => {
    const limit = 'rate limit exceeded, please try again in 20 seconds';
    const notice =
      "The account behind this API key doesn't have enough credits. This model needs paid Pollen. Please [top up](https://enter.pollinations.ai/top-up), then try again.";
    both('with zero usage fails over', { text: limit, usage: noUsage }, {}, failsOver);
    both('without usage fails over', { text: limit, usage: null }, {}, failsOver);
    both('fails over when there are tools', { text: limit, usage: noUsage }, withTools, failsOver);
    for (const isStream of [false, true]) {
      it(`Pollinations’ notice fails over${isStream ? ', streaming' : ''}`, async () => {
        const shape = { text: notice, usage: noUsage };
        const u1 = await bed.provider(isStream ? chatStream(inPieces(shape)) : json(200, completionBody(shape)));
        const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
        const config = configOf(
          {
            pollinations: { baseUrl: u1.baseUrl, keys: [{ key: 'key-of-one' }], models: [{ id: 'm1', tools: true }] },
            'custom:two': { baseUrl: u2.baseUrl, keys: [{ key: 'key-of-two' }], models: [{ id: 'm2', tools: true }] },
          },
          ['pollinations/m1', 'custom:two/m2'],
        );
        const gateway = await bed.gateway({ config, clock: createManualClock() });
        const answer = await read(await gateway.chat({ stream: isStream, ...withTools }), isStream);
        assert.equal(answer.text, 'from two');
        assert.equal(answer.response.headers['x-fallback-trail'], 'pollinations/m1=empty');
      });
    }
    both('is an answer where tokens were counted', { text: limit }, {}, says(limit));
    const talk = 'A 429 says "rate limit exceeded, please try again": wait, then ask again.';
    both('an answer that talks about it is untouched', { text: talk, usage: noUsage }, {}, says(talk));
    const like = 'Rate limits are exceeded by asking too often.';
    both('an answer that begins alike is untouched', { text: like, usage: null }, {}, says(like));

    it('its text never reaches the client nor the error', async () => {
      const u1 = await bed.provider(chatCompletion({ text: `${limit} key-of-somebody`, usage: noUsage }));
      const gateway = await bed.gateway({ config: chainOf(u1), clock: createManualClock() });
      const error = await assertError(await gateway.chat(), 502, 'api_error', 'upstream_error');
      assert.match(error.message, /empty: A rate limit is reached, said in the text of an answer/);
      assert.doesNotMatch(error.message, /key-of-somebody/);
    });

    it('a stream is held no longer than it may be one', async () => {
      const gate = createGate();
      const { ask } = await scene(
        paced([sseText([role, text('Rate limits')]), gate.opened, sseText([text('.'), chunk({}, 'stop'), '[DONE]'])]),
        {},
      );
      const response = await ask(true);
      await response.until(dataWith('Rate limits'));
      gate.open();
      assert.equal((await response.stream()).text, 'Rate limits.');
    });
  });

  describe('case 92: JSON mode', () => {
    both('fenced JSON is unwrapped', { text: fenced }, jsonMode, says('{"city": "Paris"}'));
    both('so it is for json_schema', { text: fenced }, schemaMode, says('{"city": "Paris"}'));
    both('JSON stays as it is', { text: '{"a": [1]}' }, jsonMode, says('{"a": [1]}'));
    both('prose fails over', { text: 'Sure! The city is Paris.' }, jsonMode, failsOver);
    both(
      'prose fails over with tools in the request',
      { text: 'The city is Paris.' },
      { ...jsonMode, tools },
      failsOver,
    );
    both('another kind of value fails over', { text: '["Paris"]' }, schemaMode, failsOver);
    both(
      'a tool call is exempt',
      { toolCalls: [{ id: 'c1', name: 'now', arguments: '{}' }] },
      { ...jsonMode, tools },
      calls([{ name: 'now', args: {} }]),
    );
    both(
      'so is one that is written as text, after prose',
      { text: `I look.\n<tool_call>${call}</tool_call>` },
      { ...jsonMode, tools },
      calls([{ name: 'get_weather', args: { city: 'Paris' } }], 'I look.'),
    );
    both('an answer without JSON mode is untouched', { text: fenced }, {}, says(fenced));
    both(
      'what the client’s own limit cut short is passed on',
      { text: '```json\n{"city": "Par', finish: 'length' },
      jsonMode,
      ({ text: seen, finish }) => assert.deepEqual([seen, finish], ['{"city": "Par', 'length']),
    );

    it('a little prose around one fence is taken off a whole answer', async () => {
      const { ask } = await scene(chatCompletion({ text: `Here it is:\n\n${fenced}\nAnything else?` }), jsonMode);
      says('{"city": "Paris"}')(await read(await ask(false), false));
    });

    it('a whole answer that lacks what the schema requires fails over, and the last error says what', async () => {
      const { ask } = await scene(chatCompletion({ text: '{"town": "Paris"}' }), schemaMode);
      failsOver(await read(await ask(false), false));
      const u1 = await bed.provider(chatCompletion({ text: '{"town": "Paris"}' }));
      const gateway = await bed.gateway({ config: chainOf(u1), clock: createManualClock() });
      const error = await assertError(await gateway.chat(schemaMode), 502, 'api_error', 'upstream_error');
      assert.match(error.message, /lacks city/);
    });

    it('a whole answer that is cut short fails over', async () => {
      const { ask } = await scene(chatCompletion({ text: '{"city": "Par' }), jsonMode);
      failsOver(await read(await ask(false), false));
    });

    it('a stream of prose fails over at its first word, while it still comes', async () => {
      const gate = createGate();
      const { ask, u1 } = await scene(paced([sseText([role, text('\n'), text('Sure')]), gate.opened]), jsonMode);
      failsOver(await read(await ask(true), true));
      await u1.closed(1);
      gate.open();
    });

    it('a fenced stream is unwrapped as it comes', async () => {
      const gates = [createGate(), createGate()] as const;
      const { ask } = await scene(
        paced([
          sseText([role, text('```'), text('json\n{"city"')]),
          gates[0].opened,
          sseText([text(': "Par')]),
          gates[1].opened,
          sseText([text('is"}\n`'), text('``'), chunk({}, 'stop'), '[DONE]']),
        ]),
        jsonMode,
      );
      const response = await ask(true);
      await response.until(dataWith('{\\"city\\"'));
      gates[0].open();
      await response.until(dataWith('Par'));
      gates[1].open();
      assert.equal((await response.stream()).text, '{"city": "Paris"}');
    });

    it('a stream that begins as JSON and is none ends in an error, never in a stop', async () => {
      for (const pieces of [
        ['{"city": ', '"Par'],
        ['{"a":1}', '\n{"a":2}'],
      ]) {
        const { ask } = await scene(chatStream([role, ...pieces.map(text), chunk({}, 'stop')]), jsonMode);
        const stream = await (await ask(true)).stream();
        assert.equal(stream.errors.length, 1);
        assert.deepEqual(stream.finishReasons, []);
        assert.equal(stream.sawDone, true);
      }
    });

    it('after reasoning, which is with the client already, a fence is waited for, and prose is an error', async () => {
      const thought = chunk({ reasoning_content: 'hm' });
      const good = await scene(chatStream([role, thought, text('So: '), text(fenced), chunk({}, 'stop')]), jsonMode);
      const answer = await (await good.ask(true)).stream();
      assert.deepEqual([answer.reasoning, answer.text, answer.errors], ['hm', '{"city": "Paris"}', []]);
      const bad = await scene(chatStream([role, thought, text('Paris.'), chunk({}, 'stop')]), jsonMode);
      const broken = await (await bad.ask(true)).stream();
      assert.equal(broken.text, '');
      assert.equal(broken.errors.length, 1);
      assert.match(broken.errors[0]!.message, /prose/);
    });

    it('a whole body instead of a stream is held to it too', async () => {
      const { ask } = await scene([json(200, completionBody({ text: fenced }))], jsonMode);
      says('{"city": "Paris"}')(await read(await ask(true), true));
      const prose = await scene(json(200, completionBody({ text: 'Paris.' })), jsonMode);
      failsOver(await read(await prose.ask(true), true));
    });
  });

  describe('case 93: a provider that ignores response_format', () => {
    async function kilo(withSecond: boolean) {
      const u1 = await bed.provider(chatCompletion({ text: 'from kilo' }));
      const u2 = await bed.provider(chatCompletion({ text: '{"from": "two"}' }));
      const config = configOf(
        {
          kilo: { baseUrl: u1.baseUrl, models: [{ id: 'm1', tools: true }] },
          ...(withSecond
            ? { 'custom:two': { baseUrl: u2.baseUrl, keys: [{ key: 'key-of-two' }], models: [{ id: 'm2' }] } }
            : {}),
        },
        withSecond ? ['kilo/m1', 'custom:two/m2'] : ['kilo/m1'],
      );
      return { u1, gateway: await bed.gateway({ config, clock: createManualClock() }) };
    }

    for (const isStream of [false, true]) {
      it(`is not asked for JSON, and asked for anything else${isStream ? ', streaming' : ''}`, async () => {
        const { u1, gateway } = await kilo(true);
        const answer = await read(await gateway.chat({ ...jsonMode, stream: isStream }), isStream);
        assert.equal(answer.text, '{"from": "two"}');
        assert.equal(answer.response.headers['x-routed-via'], 'custom:two/m2');
        assert.equal(answer.response.headers['x-fallback-attempts'], undefined);
        assert.equal(u1.requests.length, 0);
        assert.equal((await gateway.chat({ stream: isStream })).headers['x-routed-via'], 'kilo/m1');
      });
    }

    it('where it is the only one, the client reads why', async () => {
      const { u1, gateway } = await kilo(false);
      const error = await assertError(await gateway.chat(jsonMode), 400, 'invalid_request_error', 'invalid_request');
      assert.equal(error.param, 'response_format');
      assert.equal(u1.requests.length, 0);
    });
  });

  describe('case 94: tool calls written as text', () => {
    const paris = { name: 'get_weather', args: { city: 'Paris' } };
    const B = '\uff5c';
    const U = '\u2581';
    const dialects: [name: string, written: string][] = [
      ['Hermes', `<tool_call>\n${call}\n</tool_call>`],
      [
        'Qwen coder',
        '<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>',
      ],
      ['Llama', '<function=get_weather>{"city": "Paris"}</function>'],
      ['Llama’s python tag', '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}'],
      [
        'Kimi',
        '<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|><|tool_calls_section_end|>',
      ],
      [
        'DeepSeek',
        `<${B}tool${U}calls${U}begin${B}><${B}tool${U}call${U}begin${B}>function<${B}tool${U}sep${B}>get_weather\n\`\`\`json\n{"city": "Paris"}\n\`\`\`<${B}tool${U}call${U}end${B}><${B}tool${U}calls${U}end${B}>`,
      ],
      ['Mistral', `[TOOL_CALLS][${call}]`],
      ['GLM', '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>'],
    ];
    for (const [name, written] of dialects) {
      both(`${name}’s become calls`, { text: written }, withTools, calls([paris]));
      both(
        `${name}’s after text become calls`,
        { text: `I will look.\n\n${written}` },
        withTools,
        calls([paris], 'I will look.'),
      );
    }
    both('a whole answer that is a call becomes one', { text: call }, withTools, calls([paris]));
    both(
      'two become two',
      { text: `<tool_call>${call}</tool_call>\n<tool_call>{"name":"now","arguments":{}}</tool_call>` },
      withTools,
      calls([paris, { name: 'now', args: {} }]),
    );
    both(
      'after a <think> block too',
      { text: `<think>I call it.</think>\n<tool_call>${call}</tool_call>` },
      withTools,
      calls([paris]),
    );

    const untouched: [name: string, written: string][] = [
      [
        'prose that mentions the markers',
        'Hermes writes <tool_call>, Kimi <|tool_calls_section_begin|>, Mistral [TOOL_CALLS].',
      ],
      ['a call in backticks', `Write \`<tool_call>${call}</tool_call>\` to call it.`],
      ['a call in a code block', `So:\n\`\`\`xml\n<tool_call>${call}</tool_call>\n\`\`\``],
      ['a call in the middle of a sentence', `Write <tool_call>${call}</tool_call> to call it.`],
      ['a tool that is not offered', '<tool_call>{"name": "rm", "arguments": {}}</tool_call>'],
      ['a call that is not whole', '<tool_call>{"name": "get_weather", "arguments": {"city": "Par'],
      ['JSON that is no call', '{"name": "Paris", "arguments": []}'],
    ];
    for (const [name, written] of untouched) both(`${name} stays`, { text: written }, withTools, says(written));
    both(
      'all of it stays where there are no tools',
      { text: `<tool_call>${call}</tool_call>` },
      {},
      says(`<tool_call>${call}</tool_call>`),
    );
    both('or none may be called', { text: call }, { tools, tool_choice: 'none' }, says(call));

    it('text before a call is sent at once, the call when it is whole', async () => {
      const gates = [createGate(), createGate()] as const;
      const { ask } = await scene(
        paced([
          sseText([role, text('I will look.\n<to')]),
          gates[0].opened,
          sseText([text('ol_call>'), text(call)]),
          gates[1].opened,
          sseText([text('</tool_call>'), chunk({}, 'stop'), '[DONE]']),
        ]),
        withTools,
      );
      const response = await ask(true);
      const first = await response.until(dataWith('I will look.'));
      assert.ok(first.kind === 'data' && !first.data.includes('<'));
      gates[0].open();
      gates[1].open();
      const stream = await response.stream();
      assert.equal(stream.text, 'I will look.\n');
      assert.equal(stream.toolCalls.length, 1);
      assert.deepEqual(stream.finishReasons, ['tool_calls']);
    });

    it('a call that takes long to write is not slow, and one that stops is', async () => {
      const opening = sseText([role, text('<tool_call>{"name": "get_weather",')]);
      const rest = sseText([text(' "arguments": {"city": "Paris"}}</tool_call>'), chunk({}, 'stop'), '[DONE]']);
      const gate = createGate();
      const good = await scene(paced([opening, gate.opened, rest]), withTools);
      const asked = good.ask(true);
      await good.clock.armed(90 * second, 90 * second);
      good.clock.advance(80 * second);
      gate.open();
      const stream = await (await asked).stream();
      assert.deepEqual([stream.toolCalls.length, stream.errors], [1, []]);
      assert.ok(stream.comments.some((comment) => comment.includes(u1Name)));

      const never = createGate();
      const bad = await scene(paced([opening, never.opened]), withTools);
      const waiting = bad.ask(true);
      await bad.clock.armed(90 * second, 90 * second);
      bad.clock.advance(91 * second);
      const other = await (await waiting).stream();
      assert.equal(other.text, '{"city":"from two"}');
      assert.ok(other.comments.some((comment) => comment.includes(`${u1Name}=slow`)));
      never.open();
    });

    it('chunks of text go out as they came, tools or not', async () => {
      const odd = JSON.stringify(text('so it ')).replace('"fake-model"', '"fake-model" ');
      const { ask } = await scene(
        sse(sseText([role, text('And '), odd, text('is'), chunk({}, 'stop'), '[DONE]'])),
        withTools,
      );
      const stream = await (await ask(true)).stream();
      assert.equal(stream.text, 'And so it is');
      assert.ok(stream.frames.some((frame) => frame.kind === 'data' && frame.data === odd));
    });

    it('calls that the provider made itself are not doubled by the text around them', async () => {
      const written = `<tool_call>${call}</tool_call>`;
      const native = { index: 0, id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } };
      const { ask } = await scene(
        chatStream([role, text(written.slice(0, 20)), chunk({ tool_calls: [native] }), chunk({}, 'tool_calls')]),
        withTools,
      );
      const stream = await (await ask(true)).stream();
      assert.equal(stream.text, written.slice(0, 20));
      assert.deepEqual(
        stream.toolCalls.map(({ name }) => name),
        ['now'],
      );
    });
  });

  describe('case 95: arguments that are encoded twice', () => {
    const twice = JSON.stringify('{"city":"Paris","days":[1]}');
    const args = { city: 'Paris', days: [1] };
    const asCall = (written: string): CompletionShape => ({
      toolCalls: [{ id: 'c1', name: 'get_weather', arguments: written }],
    });
    both('are repaired where the schema says object', asCall(twice), withTools, calls([{ name: 'get_weather', args }]));
    both(
      'so is a property whose schema says array',
      asCall('{"city":"Paris","days":"[1]"}'),
      withTools,
      calls([{ name: 'get_weather', args }]),
    );
    both(
      'a property that is text stays',
      asCall('{"city":"[1]"}'),
      withTools,
      calls([{ name: 'get_weather', args: { city: '[1]' } }]),
    );
    both(
      'a call written as text is repaired too',
      { text: call.replace('"Paris"', '"Paris", "days": "[1]"') },
      withTools,
      calls([{ name: 'get_weather', args }]),
    );

    it('in a stream, however they are cut, under the call’s own id', async () => {
      const deltas = [...twice].map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] }));
      const open = { index: 0, id: 'call_a', type: 'function', function: { name: 'get_weather', arguments: '' } };
      const { ask } = await scene(
        chatStream([role, chunk({ tool_calls: [open] }), ...deltas, chunk({}, 'tool_calls')]),
        withTools,
      );
      const stream = await (await ask(true)).stream();
      assert.deepEqual(JSON.parse(stream.toolCalls[0]!.arguments), args);
      assert.equal(stream.toolCalls[0]!.id, 'call_a');
    });

    it('and those that are right come as they are written (case 10)', async () => {
      const gate = createGate();
      const delta = (piece: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
      const open = { index: 0, id: 'call_a', type: 'function', function: { name: 'get_weather', arguments: '' } };
      const { ask } = await scene(
        paced([
          sseText([role, chunk({ tool_calls: [open] }), delta('{"city":"Par'), delta('is","days":[1,')]),
          gate.opened,
          sseText([delta('2]}'), chunk({}, 'tool_calls'), '[DONE]']),
        ]),
        withTools,
      );
      const response = await ask(true);
      await response.until(dataWith('days'));
      gate.open();
      const stream = await response.stream();
      assert.deepEqual(JSON.parse(stream.toolCalls[0]!.arguments), { city: 'Paris', days: [1, 2] });
      assert.equal(stream.toolCalls[0]!.deltas, 4);
    });
  });
});

/** A stream of this shape whose text comes in pieces of three characters. */
function inPieces(shape: CompletionShape): Record<string, unknown>[] {
  return streamOf(shape).flatMap((one) => {
    const content = (one.choices as { delta?: { content?: unknown } }[])[0]?.delta?.content;
    if (typeof content !== 'string' || content === '') return [one];
    return (content.match(/.{1,3}/gsu) ?? []).map((piece) => chunk({ content: piece }, null, shape.model));
  });
}
