import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { ConfigError, checkConfig } from '../../../src/gateway/config/configFile.js';
import { createJsonLog } from '../../../src/gateway/jsonLog.js';
import { useBed } from '../../support/bed.js';
import { createManualClock } from '../../support/manualClock.js';
import { assertError, chainOf } from '../../support/scenario.js';

describe('hostile input', () => {
  const bed = useBed();

  it('a Host that makes no URL is 400 in the shape of every error', async () => {
    const gateway = await bed.gateway();
    for (const host of ['user@localhost', 'localhost:', 'localhost/evil', '127.0.0.1#x', '[::1']) {
      const text = await new Promise<string>((resolve, reject) => {
        let seen = '';
        const socket = connect(gateway.port, '127.0.0.1', () => {
          socket.write(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        });
        socket.setEncoding('utf8').on('data', (part: string) => {
          seen += part;
        });
        socket.on('error', reject).on('close', () => resolve(seen));
      });
      assert.match(text, /^HTTP\/1\.1 400 /, host);
      assert.match(text, /x-request-id: req_/i);
      assert.match(text, /"code":"invalid_request"/);
    }
  });

  it('what the parser refuses is answered in the shape of every error', async () => {
    const gateway = await bed.gateway();
    for (const [text, status] of [
      ['GET / HTTP/1.1\r\nno colon here\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ] as const) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(gateway.port, '127.0.0.1', () => socket.write(text));
        let all = '';
        socket.on('data', (chunk) => {
          all += chunk.toString();
        });
        socket.on('close', () => resolve(all));
        socket.on('error', reject);
      });
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.code, 'invalid_request');
    }
  });

  it('a body nested too deeply is 400, counts as no running request and leaves no timer that fails', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider();
    const gateway = await bed.gateway({ config: chainOf(u1), clock });
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const tools = `[{"type":"function","function":{"name":"f","parameters":${deep}}}]`;
    const body = `{"model":"auto","messages":[{"role":"user","content":"hi"}],"tools":${tools}}`;
    for (const text of [body, body.replace('{', '{"stream":true,')]) {
      const response = await gateway.v1('/v1/chat/completions', { method: 'POST', body: text });
      await assertError(response, 400, 'invalid_request_error', 'invalid_request');
    }
    clock.advance(600_000);
    const state = await (await gateway.api('GET', '/api/state')).json();
    assert.equal((state as { counts: { inFlight: number } }).counts.inFlight, 0);
  });

  for (const stream of [false, true]) {
    it(`an answer nested too deeply fails at once, not by time-out (stream: ${stream})`, async () => {
      const deep = '['.repeat(200_000) + ']'.repeat(200_000);
      const u1 = await bed.provider((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`{"choices":[{"message":{"role":"assistant","content":"x","z":${deep}},"finish_reason":"stop"}]}`);
      });
      const gateway = await bed.gateway({ config: chainOf(u1) });
      await assertError(await gateway.chat({ stream }), 502, 'api_error', 'upstream_error');
    });

    it(`an error body without end is cut off (stream: ${stream})`, async () => {
      const u1 = await bed.provider((_, response) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        const piece = Buffer.alloc(64 * 1024, 32);
        const more = () => {
          while (!response.destroyed) if (!response.write(piece)) return void response.once('drain', more);
        };
        more();
      });
      const gateway = await bed.gateway({ config: chainOf(u1) });
      await assertError(await gateway.chat({ stream }), 502, 'api_error', 'upstream_error');
      await u1.closed(1);
    });
  }

  it("a provider's words, which may repeat the prompt, reach no log", async () => {
    const u1 = await bed.provider((request, response) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `failed on ${JSON.stringify(request.body.messages)}` } }));
    });
    const gateway = await bed.gateway({ config: chainOf(u1) });
    await (await gateway.chat({ messages: [{ role: 'user', content: 'a secret prompt' }] })).text();
    assert.ok(gateway.logs.some(({ message }) => message === 'An attempt failed'));
    assert.ok(!JSON.stringify(gateway.logs).includes('a secret prompt'));
  });

  it('fields never replace what a log line is about', () => {
    const lines: string[] = [];
    createJsonLog(
      (line) => void lines.push(line),
      () => 0,
    ).log('info', 'http', 'Said', { message: 'other', level: 'error' });
    const line = JSON.parse(lines[0] ?? '');
    assert.equal(line.message, 'Said');
    assert.equal(line.level, 'info');
  });

  it('a config may not name inherited properties, share one token or carry line breaks in a key', () => {
    const bad: unknown[] = [
      { chain: ['toString/x'] },
      { token: 'freellmapi-0123456789', adminToken: 'freellmapi-0123456789' },
      { token: 'freellmapi-0123 456789' },
      { providers: { groq: { keys: [{ key: 'gsk_abc\r\nX-Evil: 1' }] } } },
    ];
    for (const config of bad) assert.throws(() => checkConfig(config, ['groq']), ConfigError);
  });
});
