import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { dataWith } from '../support/client.js';
import { createGate } from '../support/gate.js';
import { createManualClock } from '../support/manualClock.js';
import {
  chatCompletion,
  chatStream,
  chunk,
  type Handler,
  paced,
  resetNow,
  sse,
  sseText,
  status,
  streamOf,
  usageChunk,
} from '../support/provider.js';
import { chainOf, u1Name, u2Name } from '../support/scenario.js';

const role = chunk({ role: 'assistant', content: '' });
const text = (content: string) => chunk({ content });
const call = (delta: Record<string, unknown>) => chunk({ tool_calls: [delta] });

describe('conformance A: stream integrity', () => {
  const bed = useBed();

  /** U1 answers with `first`, U2 says "from two"; the client streams. */
  async function streaming(first: Handler | readonly Handler[], body: Record<string, unknown> = {}) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    return { u1, u2, gateway, clock, ask: () => gateway.chat({ stream: true, ...body }) };
  }

  it('case 1: an error as the first frame of a 200 stream fails over, leaving no trace', async () => {
    const error = { error: { message: 'U1 exploded', type: 'server_error', code: 503 } };
    const { u2, ask } = await streaming(sse(sseText([error, '[DONE]'])));
    const response = await ask();
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-routed-via'], u2Name);
    const stream = await response.stream();
    assert.equal(stream.text, 'from two');
    assert.ok(!JSON.stringify(stream.frames).includes('exploded'));
    assert.deepEqual(stream.errors, []);
    assert.equal(stream.sawDone, true);
    assert.equal(u2.requests.length, 1);
  });

  it('case 2: a role chunk and then a reset is not an answer', async () => {
    const { ask } = await streaming(paced([sseText([role]), resetNow]));
    const response = await ask();
    assert.equal(response.headers['x-fallback-attempts'], '1');
    const stream = await response.stream();
    assert.equal(stream.text, 'from two');
    assert.equal(stream.roleChunks, 1);
    assert.deepEqual(stream.finishReasons, ['stop']);
  });

  it('case 3: a reset after text ends in an error frame and [DONE], and U2 is not asked', async () => {
    const gate = createGate();
    const { u2, ask } = await streaming(paced([sseText([role, text('Hel')]), gate.opened, resetNow]));
    const response = await ask();
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-routed-via'], u1Name);
    await response.until(dataWith('Hel'));
    gate.open();
    const stream = await response.stream();
    assert.equal(stream.text, 'Hel');
    assert.equal(stream.errors.length, 1);
    assert.deepEqual(Object.keys(stream.errors[0] ?? {}).sort(), ['code', 'message', 'param', 'type']);
    assert.deepEqual(stream.finishReasons, []);
    assert.equal(stream.sawDone, true);
    assert.equal(u2.requests.length, 0);
  });

  it('case 4: a stream that closes with no chunk at all, or only [DONE], is no answer', async () => {
    for (const body of ['', 'data: [DONE]\n\n']) {
      const { ask } = await streaming(sse(body));
      const stream = await (await ask()).stream();
      assert.equal(stream.text, 'from two');
      assert.deepEqual(stream.errors, []);
    }
  });

  it('case 5: only whitespace and role chunks, then stop, is an empty completion', async () => {
    const { ask } = await streaming(chatStream([role, text(' \n'), text('\n'), chunk({}, 'stop')]));
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'from two');
    assert.equal(stream.roleChunks, 1);
    assert.deepEqual(stream.finishReasons, ['stop']);
  });

  it('case 6: text that ends without finish_reason and [DONE] is a truncation, not a stop', async () => {
    const { u2, ask } = await streaming(sse(sseText([role, text('half a sent')])));
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'half a sent');
    assert.equal(stream.errors.length, 1);
    assert.deepEqual(stream.finishReasons, []);
    assert.equal(stream.sawDone, true);
    assert.equal(u2.requests.length, 0);
  });

  it('case 7: finish_reason without [DONE] is complete', async () => {
    const { ask } = await streaming(sse(sseText([role, text('whole'), chunk({}, 'stop')])));
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'whole');
    assert.deepEqual(stream.errors, []);
    assert.deepEqual(stream.finishReasons, ['stop']);
    assert.equal(stream.sawDone, true);
  });

  it('case 8: tool-call deltas over five frames, one on the role chunk, come out whole and once', async () => {
    const { ask } = await streaming(
      chatStream([
        chunk({
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'get_weather', arguments: '' } }],
        }),
        call({ index: 0, function: { arguments: '{"ci' } }),
        call({ index: 0, function: { arguments: 'ty":"Pa' } }),
        call({ index: 0, function: { arguments: 'ris"' } }),
        call({ index: 0, function: { arguments: '}' } }),
        chunk({}, 'tool_calls'),
      ]),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.toolCalls.length, 1);
    const [only] = stream.toolCalls;
    assert.deepEqual(JSON.parse(only?.arguments ?? ''), { city: 'Paris' });
    assert.equal(only?.id, 'call_a');
    assert.equal(only?.name, 'get_weather');
    assert.equal(stream.roleChunks, 1);
    assert.deepEqual(stream.finishReasons, ['tool_calls']);
  });

  it('case 9: two parallel tool calls with interleaved deltas stay two', async () => {
    const { ask } = await streaming(
      chatStream([
        role,
        call({ index: 0, id: 'call_a', type: 'function', function: { name: 'read', arguments: '{"pa' } }),
        call({ index: 1, id: 'call_b', type: 'function', function: { name: 'list', arguments: '{"di' } }),
        call({ index: 0, function: { arguments: 'th":"a"}' } }),
        call({ index: 1, function: { arguments: 'r":"b"}' } }),
        chunk({}, 'tool_calls'),
      ]),
    );
    const stream = await (await ask()).stream();
    assert.deepEqual(
      stream.toolCalls.map(({ index, id, name, arguments: args }) => [index, id, name, args]),
      [
        [0, 'call_a', 'read', '{"path":"a"}'],
        [1, 'call_b', 'list', '{"dir":"b"}'],
      ],
    );
  });

  it('case 10: tool-call deltas are forwarded as they come', async () => {
    const gate = createGate();
    const { ask } = await streaming(
      paced([
        sseText([role, call({ index: 0, id: 'call_a', type: 'function', function: { name: 'read', arguments: '' } })]),
        sseText([call({ index: 0, function: { arguments: '{"pa' } })]),
        gate.opened,
        sseText([call({ index: 0, function: { arguments: 'th":"a"}' } }), chunk({}, 'tool_calls'), '[DONE]']),
      ]),
    );
    const response = await ask();
    await response.until(dataWith('call_a'));
    await response.until(dataWith('{\\"pa'));
    gate.open();
    const stream = await response.stream();
    assert.equal(stream.toolCalls[0]?.arguments, '{"path":"a"}');
    assert.ok((stream.toolCalls[0]?.deltas ?? 0) >= 2);
  });

  it('case 11: missing tool-call ids are made up, each its own', async () => {
    const { ask } = await streaming(
      chatStream([
        role,
        call({ index: 0, function: { name: 'read', arguments: '{"path":' } }),
        call({ index: 0, function: { arguments: '"a"}' } }),
        call({ index: 1, function: { name: 'read', arguments: '{"path":"b"}' } }),
        chunk({}, 'tool_calls'),
      ]),
    );
    const stream = await (await ask()).stream();
    assert.deepEqual(
      stream.toolCalls.map((one) => one.arguments),
      ['{"path":"a"}', '{"path":"b"}'],
    );
    const ids = stream.toolCalls.map((one) => one.id);
    assert.ok(ids.every((id) => typeof id === 'string' && id.length > 0));
    assert.equal(new Set(ids).size, 2);
  });

  it('case 12: an asked-for usage-only frame comes once, last before [DONE]', async () => {
    const { ask } = await streaming(
      chatStream([
        role,
        text('hello'),
        chunk({}, 'stop'),
        usageChunk({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }),
      ]),
      { stream_options: { include_usage: true } },
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.usageFrames, 1);
    assert.equal(stream.usages.length, 1);
    assert.equal(stream.usages[0]?.total_tokens, 5);
    assert.deepEqual(stream.chunks.at(-1).choices, []);
    assert.equal(stream.sawDone, true);
  });

  it('case 13: usage on the final choice frame comes once, in a frame of its own', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const { ask } = await streaming(chatStream([role, text('hello'), { ...chunk({}, 'stop'), usage }]), {
      stream_options: { include_usage: true },
    });
    const stream = await (await ask()).stream();
    assert.equal(stream.usageFrames, 1);
    assert.equal(stream.usages[0]?.total_tokens, 5);
    assert.deepEqual(stream.chunks.at(-1).choices, []);
    assert.deepEqual(stream.finishReasons, ['stop']);
  });

  it('case 14: no usage frame unless asked for, though the provider is always asked', async () => {
    const { u1, ask } = await streaming(chatStream([role, text('hello'), chunk({}, 'stop'), usageChunk()]));
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'hello');
    assert.equal(stream.usageFrames, 0);
    assert.equal(u1.requests[0]?.body.stream_options?.include_usage, true);
  });

  it('case 14: nor when the usage rides on the final choice frame', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const { ask } = await streaming(chatStream([role, text('hello'), { ...chunk({}, 'stop'), usage }]));
    const stream = await (await ask()).stream();
    assert.equal(stream.usageFrames, 0);
    assert.deepEqual(stream.finishReasons, ['stop']);
  });

  it('case 15: frames without choices, comments and blank lines are ignored', async () => {
    const { ask } = await streaming(
      sse(
        [
          ': OPENROUTER PROCESSING\n\n',
          '\n\n',
          sseText([{ object: 'ping' }, role]),
          ': another\n\n\n',
          sseText([text('he'), { id: 'x', type: 'keepalive' }, text('llo'), chunk({}, 'stop'), '[DONE]']),
        ].join(''),
      ),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'hello');
    assert.deepEqual(stream.errors, []);
    assert.ok(!JSON.stringify(stream.frames).includes('keepalive'));
    assert.ok(!JSON.stringify(stream.frames).includes('PROCESSING'));
  });

  it('case 16: no space after data:, CRLF, data over several lines', async () => {
    const pretty = JSON.stringify(text('two '), null, 1).split('\n');
    const { ask } = await streaming(
      sse(
        [
          `data:${JSON.stringify(role)}\r\n\r\n`,
          `data:${JSON.stringify(text('one '))}\r\n\r\n`,
          pretty.map((line) => `data: ${line}\r\n`).join(''),
          '\r\n',
          `event: message\nid: 7\ndata: ${JSON.stringify(text('three'))}\n\n`,
          `data:${JSON.stringify(chunk({}, 'stop'))}\n\ndata:[DONE]\n\n`,
        ].join(''),
      ),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'one two three');
    assert.deepEqual(stream.finishReasons, ['stop']);
    assert.deepEqual(stream.errors, []);
  });

  it('case 16: a character torn between two TCP chunks', async () => {
    const gate = createGate();
    const tail = Buffer.from(sseText([text('🦊 naïve 漢字'), chunk({}, 'stop'), '[DONE]']), 'utf8');
    const cut = tail.indexOf(Buffer.from('🦊')) + 2;
    const head = Buffer.concat([Buffer.from(sseText([role, text('seen ')])), tail.subarray(0, cut)]);
    const { ask } = await streaming(paced([head, gate.opened, tail.subarray(cut)]));
    const response = await ask();
    await response.until(dataWith('seen'));
    gate.open();
    assert.equal((await response.stream()).text, 'seen 🦊 naïve 漢字');
  });

  it('case 17: a malformed frame in the middle is skipped', async () => {
    const { ask } = await streaming(
      sse(
        `${sseText([role, text('he')])}data: {"choices":[{"del\n\n${sseText([text('llo'), chunk({}, 'stop'), '[DONE]'])}`,
      ),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'hello');
    assert.deepEqual(stream.errors, []);
    assert.deepEqual(stream.finishReasons, ['stop']);
  });

  it('case 18: reasoning is a first token, and comes as reasoning_content', async () => {
    const before = createGate();
    const after = createGate();
    const { u1, u2, gateway, clock, ask } = await streaming(
      paced([
        sseText([role]),
        before.opened,
        sseText([chunk({ reasoning_content: 'thinking' })]),
        after.opened,
        sseText([text('done'), chunk({}, 'stop'), '[DONE]']),
      ]),
    );
    const pending = ask();
    await u1.request(1);
    clock.advance(1234);
    before.open();
    const response = await pending;
    await response.until(dataWith('"thinking"'));
    clock.advance(60_000); // past the first-byte limit, within the idle one
    after.open();
    const stream = await response.stream();
    assert.equal(stream.reasoning, 'thinking');
    assert.equal(stream.text, 'done');
    assert.equal(u2.requests.length, 0);
    const state = await (await gateway.api('GET', '/api/state')).json();
    assert.equal(state.lastRequest.outcome.firstTokenMs, 1234);
  });

  it('case 19: a leading <think> block, torn over frames, is reasoning', async () => {
    const { ask } = await streaming(
      chatStream([role, text('<th'), text('ink>x</thi'), text('nk>hi'), chunk({}, 'stop')]),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.reasoning, 'x');
    assert.equal(stream.text, 'hi');
  });

  it('case 20: <think> in the middle of an answer stays', async () => {
    const { ask } = await streaming(
      chatStream([role, text('Write <thi'), text('nk>x</think> to'), text(' think.'), chunk({}, 'stop')]),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'Write <think>x</think> to think.');
    assert.equal(stream.reasoning, '');
  });

  it('case 21: a client that leaves in the middle closes the upstream connection, and blames nobody', async () => {
    const gate = createGate();
    const { u1, u2, gateway, ask } = await streaming([
      paced([sseText([role, text('a'), text('b'), text('c')]), gate.opened]),
      chatCompletion({ text: 'again from one' }),
    ]);
    const response = await ask();
    await response.until(dataWith('"c"'));
    response.abort();
    await u1.closed(1); // the clock stands still, so no time limit did this
    gate.open();
    const next = await gateway.chat();
    assert.equal(next.headers['x-routed-via'], u1Name);
    assert.equal((await next.json()).choices[0].message.content, 'again from one');
    assert.equal(u2.requests.length, 0);
  });

  it('case 21: so does one that leaves before the first byte', async () => {
    const { u1, u2, gateway } = await streaming((_request, _response) => undefined);
    for (const stream of [true, false]) {
      const leaving = new AbortController();
      const asked = u1.requests.length + 1;
      const pending = gateway.chat({ stream }, { signal: leaving.signal });
      await u1.request(asked);
      leaving.abort();
      await assert.rejects(pending);
      await u1.closed(asked);
    }
    assert.equal(u2.requests.length, 0);
    u1.script(chatCompletion({ text: 'again from one' }));
    assert.equal((await gateway.chat()).headers['x-routed-via'], u1Name);
  });

  it('case 22: headers but no first byte within the budget fails over', async () => {
    const gate = createGate();
    const { u1, clock, ask } = await streaming(paced([gate.opened]));
    const pending = ask();
    await u1.request(1);
    clock.advance(31_000);
    const response = await pending;
    assert.equal(response.status, 200);
    const stream = await response.stream();
    assert.equal(stream.text, 'from two');
    assert.deepEqual(stream.errors, []);
    await u1.closed(1);
  });

  it('case 22: a stall after the first byte ends in an error frame', async () => {
    const gate = createGate();
    const { u1, u2, clock, ask } = await streaming(paced([sseText([role, text('Hel')]), gate.opened]));
    const response = await ask();
    await response.until(dataWith('Hel'));
    clock.advance(91_000);
    const stream = await response.stream();
    assert.equal(stream.text, 'Hel');
    assert.equal(stream.errors.length, 1);
    assert.deepEqual(stream.finishReasons, []);
    assert.equal(stream.sawDone, true);
    await u1.closed(1);
    assert.equal(u2.requests.length, 0);
  });

  it('an error inside the stream after text ends it with an error frame and no fake stop', async () => {
    const { u2, ask } = await streaming(
      sse(sseText([role, text('Hel'), { error: { message: 'upstream died', type: 'server_error' } }, '[DONE]'])),
    );
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'Hel');
    assert.equal(stream.errors.length, 1);
    assert.match(stream.errors[0]?.message ?? '', /upstream died/);
    assert.deepEqual(stream.finishReasons, []);
    assert.equal(stream.sawDone, true);
    assert.equal(u2.requests.length, 0);
  });

  it('whitespace before the first word is kept when a word follows', async () => {
    const { ask } = await streaming(chatStream([role, text('\n\n'), text('  code'), chunk({}, 'stop')]));
    assert.equal((await (await ask()).stream()).text, '\n\n  code');
  });

  it('a 429 before a stream fails over to a stream', async () => {
    const { ask } = await streaming(status(429, { error: { message: 'slow down' } }));
    const response = await ask();
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=rate_limit`);
    assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/);
    assert.equal((await response.stream()).text, 'from two');
  });

  it('a whole stream as providers send it comes out as it is', async () => {
    const { ask } = await streaming(chatStream(streamOf({ text: 'plain', reasoning: 'why' })));
    const stream = await (await ask()).stream();
    assert.equal(stream.text, 'plain');
    assert.equal(stream.reasoning, 'why');
    assert.equal(stream.roleChunks, 1);
  });
});
