import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { type GeminiPart, gemini, geminiBody, geminiStream } from '../support/gemini.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, type Handler, json } from '../support/provider.js';
import { configOf, secrets, textOf, u2Name } from '../support/scenario.js';

const model = 'google/gemini-3-flash-preview';
const tools = [
  {
    type: 'function',
    function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
];
const callPart = (city: string, more: GeminiPart = {}): GeminiPart => ({
  functionCall: { name: 'get_weather', args: { city } },
  ...more,
});

describe('conformance I: Gemini backend', () => {
  const bed = useBed();

  async function google(script: Handler | readonly Handler[]) {
    const u1 = await bed.provider(script);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const providers = {
      google: { baseUrl: `${u1.origin}/v1beta`, keys: [{ key: secrets.google }] },
      mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
    };
    const start = (chain: string[]) => bed.gateway({ config: configOf(providers, chain), clock: createManualClock() });
    return { u1, u2, start, gateway: await start([model, u2Name]) };
  }

  for (const [title, chunks] of [
    ['in one chunk', [[callPart('Paris'), callPart('Rome')]]],
    ['in separate chunks', [[callPart('Paris')], [callPart('Rome')]]],
    ['in separate chunks, the end in one of its own', [[callPart('Paris')], [callPart('Rome')], [{ text: '' }]]],
  ] as [string, GeminiPart[][]][]) {
    it(`case 96: parallel calls ${title} stay separate, streaming`, async () => {
      const { gateway, u1, u2 } = await google(gemini(chunks));
      const stream = await (await gateway.chat({ stream: true, tools })).stream();
      assert.deepEqual(
        stream.toolCalls.map((one) => [one.index, one.name, JSON.parse(one.arguments)]),
        [
          [0, 'get_weather', { city: 'Paris' }],
          [1, 'get_weather', { city: 'Rome' }],
        ],
      );
      assert.equal(new Set(stream.toolCalls.map((one) => one.id)).size, 2);
      assert.deepEqual(stream.finishReasons, ['tool_calls']);
      assert.deepEqual(stream.errors, []);
      assert.match(
        u1.requests[0]?.url ?? '',
        /^\/v1beta\/models\/gemini-3-flash-preview:streamGenerateContent\?alt=sse$/,
      );
      assert.equal(u1.requests[0]?.headers['x-goog-api-key'], secrets.google);
      assert.equal(u2.requests.length, 0);
    });
  }

  it('case 96: parallel calls stay separate, not streaming', async () => {
    const { gateway, u1 } = await google(gemini([[callPart('Paris'), callPart('Rome')]]));
    const choice = (await (await gateway.chat({ tools })).json()).choices[0];
    assert.deepEqual(
      choice.message.tool_calls.map((one: { function: { arguments: string } }) => JSON.parse(one.function.arguments)),
      [{ city: 'Paris' }, { city: 'Rome' }],
    );
    assert.notEqual(choice.message.tool_calls[0].id, choice.message.tool_calls[1].id);
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.equal(u1.requests[0]?.url, '/v1beta/models/gemini-3-flash-preview:generateContent');
  });

  for (const stream of [false, true]) {
    it(`case 97: a signature comes back though the client dropped it (stream ${stream})`, async () => {
      const { gateway, u1 } = await google([
        gemini([[callPart('Paris', { thoughtSignature: 'c2lnbmF0dXJl' })]]),
        gemini([[{ text: 'sunny' }]]),
      ]);
      const first = await gateway.chat({ stream, tools });
      let call: { id?: string | undefined; name: string; arguments: string } | undefined;
      if (stream) call = (await first.stream()).toolCalls[0];
      else {
        const [one] = (await first.json()).choices[0].message.tool_calls;
        call = { id: one.id, name: one.function.name, arguments: one.function.arguments };
      }
      const history = [
        { role: 'user', content: 'weather in Paris?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: call?.id, type: 'function', function: { name: call?.name, arguments: call?.arguments } }],
        },
        { role: 'tool', tool_call_id: call?.id, content: 'sunny' },
      ];
      assert.equal(await textOf(await gateway.chat({ messages: history, tools })), 'sunny');
      const parts: GeminiPart[] = u1.requests[1]!.body.contents.flatMap((one: { parts: GeminiPart[] }) => one.parts);
      const sent = parts.find((part) => part.functionCall !== undefined);
      assert.equal(sent?.thoughtSignature, 'c2lnbmF0dXJl');
      assert.deepEqual((sent?.functionCall as { args: unknown } | undefined)?.args, { city: 'Paris' });
    });
  }

  it('case 98: a schema Gemini does not take is made one it takes, property names kept', async () => {
    const { gateway, u1 } = await google(gemini([[{ text: 'fine' }]]));
    const parameters = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      additionalProperties: false,
      $defs: { Place: { type: 'object', properties: { street: { type: 'string' } }, additionalProperties: false } },
      properties: {
        title: { type: 'string' },
        default: { type: 'integer', exclusiveMinimum: 0 },
        'x-foo': { type: 'string', 'x-vendor': true },
        const: { const: 'fixed' },
        place: { $ref: '#/$defs/Place' },
        either: { oneOf: [{ type: 'string' }, { type: 'number' }] },
        maybe: { type: ['string', 'null'] },
        list: {
          type: 'array',
          items: { type: 'object', properties: { $ref: { type: 'string' } }, additionalProperties: true },
        },
      },
      required: ['title', 'x-foo'],
    };
    const response = await gateway.chat({ tools: [{ type: 'function', function: { name: 'f', parameters } }] });
    assert.equal(await textOf(response), 'fine');
    const sent = u1.requests[0]?.body.tools[0].functionDeclarations[0].parameters;
    assert.deepEqual(Object.keys(sent.properties).sort(), Object.keys(parameters.properties).sort());
    assert.deepEqual(Object.keys(sent.properties.list.items.properties), ['$ref']);
    assert.deepEqual(Object.keys(sent.properties.place.properties), ['street']);
    assert.equal(sent.properties.maybe.nullable, true);
    assert.equal(String(sent.properties.maybe.type).toLowerCase(), 'string');
    assert.deepEqual(sent.required, ['title', 'x-foo']);
    assertGeminiSchema(sent);
  });

  const thoughts = [[{ text: 'I ponder', thought: true }], [{ text: 'Hello' }]];

  it('case 99: thoughts are reasoning, never content', async () => {
    const { gateway } = await google(gemini(thoughts));
    const { message } = (await (await gateway.chat()).json()).choices[0];
    assert.equal(message.content, 'Hello');
    assert.equal(message.reasoning_content, 'I ponder');
    const stream = await (await gateway.chat({ stream: true })).stream();
    assert.equal(stream.text, 'Hello');
    assert.equal(stream.reasoning, 'I ponder');
  });

  it('case 99: finish SAFETY is content_filter', async () => {
    const { gateway, u2 } = await google(gemini([[{ text: 'I can' }], [{ text: 'not' }]], 'SAFETY'));
    assert.equal((await (await gateway.chat()).json()).choices[0].finish_reason, 'content_filter');
    assert.deepEqual((await (await gateway.chat({ stream: true })).stream()).finishReasons, ['content_filter']);
    assert.equal(u2.requests.length, 0);
  });

  const blocked = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 11 } };
  const blocking: Handler = (request, response, n) =>
    (request.url.includes('stream') ? geminiStream([blocked]) : json(200, blocked))(request, response, n);

  for (const stream of [false, true]) {
    it(`case 99: a blocked prompt fails over, and alone it is a clear error (stream ${stream})`, async () => {
      const { gateway, start } = await google(blocking);
      const response = await gateway.chat({ stream });
      assert.equal(response.headers['x-routed-via'], u2Name);
      if (stream) assert.equal((await response.stream()).text, 'from two');
      else assert.equal(await textOf(response), 'from two');
      const alone = await (await start([model])).chat({ stream });
      const text = await alone.text();
      assert.ok(alone.status >= 400, text);
      assert.match(JSON.parse(text).error.message, /block/);
    });
  }

  it('case 99: a truncated stream is an error, not a stop', async () => {
    const { gateway, u2 } = await google(geminiStream([geminiBody([{ text: 'Half a sent' }], null)]));
    const stream = await (await gateway.chat({ stream: true })).stream();
    assert.equal(stream.text, 'Half a sent');
    assert.equal(stream.errors.length, 1);
    assert.deepEqual(stream.finishReasons, []);
    assert.equal(stream.sawDone, true);
    assert.equal(u2.requests.length, 0);
  });

  it('case 99: streamed usage is the real one', async () => {
    const { gateway } = await google(gemini([[{ text: 'Hel' }], [{ text: 'lo' }]]));
    const body = { stream: true, stream_options: { include_usage: true } };
    const stream = await (await gateway.chat(body)).stream();
    assert.equal(stream.usages.length, 1);
    assert.equal(stream.usages[0]?.prompt_tokens, 11);
    assert.equal(stream.usages[0]?.completion_tokens, 7);
  });

  it('case 100: the tool results of one turn go in one user content', async () => {
    const { gateway, u1 } = await google(gemini([[{ text: 'both read' }]]));
    const call = (id: string, city: string) => ({
      id,
      type: 'function',
      function: { name: 'get_weather', arguments: JSON.stringify({ city }) },
    });
    const messages = [
      { role: 'user', content: 'weather in Paris and Rome?' },
      { role: 'assistant', content: null, tool_calls: [call('call_a', 'Paris'), call('call_b', 'Rome')] },
      { role: 'tool', tool_call_id: 'call_a', content: 'sunny' },
      { role: 'tool', tool_call_id: 'call_b', content: '{"sky":"grey"}' },
    ];
    assert.equal(await textOf(await gateway.chat({ messages, tools })), 'both read');
    const { contents } = u1.requests[0]!.body;
    assert.deepEqual(
      contents.map((one: { role: string }) => one.role),
      ['user', 'model', 'user'],
    );
    const results = contents[2].parts.map((part: GeminiPart) => part.functionResponse);
    assert.equal(results.length, 2);
    assert.ok(results.every((one: { name: string }) => one.name === 'get_weather'));
    assert.match(JSON.stringify(results[0].response), /sunny/);
    assert.deepEqual(results[1].response, { sky: 'grey' });
  });
});

/** The fields of Gemini's Schema object (ai.google.dev/api/caching#Schema). */
const geminiSchemaFields = new Set([
  ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'maxItems', 'minItems', 'properties', 'required'],
  ...['minProperties', 'maxProperties', 'minLength', 'maxLength', 'pattern', 'example', 'anyOf', 'propertyOrdering'],
  ...['default', 'items', 'minimum', 'maximum'],
]);

function assertGeminiSchema(schema: Record<string, unknown>): void {
  for (const field of Object.keys(schema)) assert.ok(geminiSchemaFields.has(field), `${field} in a schema`);
  if (schema.type !== undefined) assert.equal(typeof schema.type, 'string');
  for (const one of Object.values((schema.properties as Record<string, unknown>) ?? {})) {
    assertGeminiSchema(one as Record<string, unknown>);
  }
  if (schema.items) assertGeminiSchema(schema.items as Record<string, unknown>);
  for (const one of (schema.anyOf as Record<string, unknown>[]) ?? []) assertGeminiSchema(one);
}
