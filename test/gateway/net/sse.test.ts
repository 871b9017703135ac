import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { createSseReader, SseOverflowError, sseComment, sseData } from '../../../src/gateway/net/sse.js';
import type { SseEvent } from '../../../src/gateway/providers/adapter.js';

function read(chunks: Buffer[]): SseEvent[] {
  const events: SseEvent[] = [];
  const reader = createSseReader((event) => events.push(event));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return events;
}

/** The specification's algorithm, line by line over the whole text, written independently of the parser under test. */
function reference(text: string): SseEvent[] {
  const events: SseEvent[] = [];
  let data: string[] = [];
  let event: string | undefined;
  for (const line of [...text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/), '']) {
    const match = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      data = [];
      event = undefined;
    } else if (match[1] === 'data') data.push(match[2]!);
    else if (match[1] === 'event') event = match[2] || undefined;
  }
  return events;
}

function cut(bytes: Buffer, positions: number[]): Buffer[] {
  const at = [...new Set([0, ...positions.map((position) => position % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index]!, end));
}

const folder = process.env.FREELLM_RECORDINGS ?? '../shared/recordings';

function recordedBodies(): string[] {
  if (!existsSync(folder)) return [];
  const bodies = new Set<string>();
  for (const provider of readdirSync(folder, { withFileTypes: true })) {
    if (!provider.isDirectory()) continue;
    for (const file of readdirSync(join(folder, provider.name))) {
      const recording = JSON.parse(readFileSync(join(folder, provider.name, file), 'utf8')) as {
        interactions: { response: { body: unknown } }[];
      };
      for (const { response } of recording.interactions) {
        if (typeof response.body === 'string' && /^(?:data|event|id|:)/m.test(response.body.slice(0, 200))) {
          bodies.add(response.body);
        }
      }
    }
  }
  return [...bodies];
}

const VARIANTS: Record<string, (body: string) => string> = {
  'as recorded': (body) => body,
  'CRLF for LF': (body) => body.replace(/\r\n|\n/g, '\r\n'),
  'CR for LF': (body) => body.replace(/\r\n|\n/g, '\r'),
  'no space after data:': (body) => body.replace(/^data: /gm, 'data:'),
  'comments between lines': (body) => body.replace(/^(?=data:)/gm, ': keep-alive ✓\n'),
  'several data lines': (body) => body.replace(/^(data: ?)(.*)$/gm, '$1$2\n$1{"é": "漢🙂"}'),
  'a byte order mark': (body) => `\uFEFF${body}`,
  'no blank line at the end': (body) => body.replace(/[\r\n]+$/, ''),
};

const small = 'event: a\r\ndata: {"t": "é漢🙂"}\r\n\r\n: c\r\rdata:x\ndata: y\n\ndata: [DONE]';

describe('createSseReader', () => {
  it('gives the same events wherever the bytes of a small body are cut', () => {
    const bytes = Buffer.from(small);
    const expected = reference(small);
    assert.equal(expected.length, 3);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        assert.deepEqual(read(cut(bytes, [first, second])), expected, `cut at ${first} and ${second}`);
      }
    }
    assert.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), expected, 'byte by byte');
  });

  for (const [name, change] of Object.entries(VARIANTS)) {
    it(`reads recorded bodies cut anywhere: ${name}`, function () {
      this.timeout(60_000);
      const bodies = recordedBodies().map(change);
      if (bodies.length === 0) {
        console.log(`      no recordings at ${folder}`);
        this.skip();
      }
      for (const body of bodies) assert.deepEqual(read([Buffer.from(body)]), reference(body));
      fc.assert(
        fc.property(fc.constantFrom(...bodies), fc.array(fc.nat(), { maxLength: 40 }), (body, positions) => {
          assert.deepEqual(read(cut(Buffer.from(body), positions)), reference(body));
        }),
        { numRuns: 200 },
      );
    });
  }

  it('reads every small recorded body cut at every position', function () {
    this.timeout(60_000);
    const bodies = recordedBodies().filter((body) => body.length < 3_000);
    if (bodies.length === 0) this.skip();
    for (const body of bodies) {
      for (const text of [body, body.replace(/\r\n|\n/g, '\r\n')]) {
        const bytes = Buffer.from(text);
        const expected = reference(text);
        for (let at = 0; at <= bytes.length; at++) assert.deepEqual(read(cut(bytes, [at])), expected, `cut at ${at}`);
      }
    }
  });

  it('reports comments', () => {
    let comments = 0;
    const reader = createSseReader(
      () => assert.fail('no event'),
      () => comments++,
    );
    reader.push(Buffer.from(': OPENROUTER PROCESSING\n\n:\n'));
    assert.equal(comments, 2);
  });

  it('throws a typed error once an event is larger than the bound, and reads nothing after it', () => {
    const reader = createSseReader(() => assert.fail('no event'), undefined, { maxBufferSize: 100 });
    reader.push(Buffer.from(`data: ${'x'.repeat(50)}`));
    assert.throws(() => reader.push(Buffer.from('x'.repeat(60))), SseOverflowError);
    reader.push(Buffer.from('\n\ndata: y\n\n'));
    reader.end();
  });

  it('gives the overflow to onError where one is passed', () => {
    const errors: Error[] = [];
    const reader = createSseReader(() => assert.fail('no event'), undefined, {
      maxBufferSize: 100,
      onError: (error) => errors.push(error),
    });
    reader.push(Buffer.from(`data: a\n`.repeat(80)));
    reader.push(Buffer.from('\n'));
    assert.equal(errors.length, 1);
    assert.ok(errors[0] instanceof SseOverflowError);
  });
});

describe('sseData', () => {
  it('is read back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(sseComment(text) + sseData(text));

        assert.deepEqual(read([bytes]), [
          {
            event: undefined,
            data: Buffer.from(text)
              .toString()
              .replace(/\r\n|\r/g, '\n'),
          },
        ]);
      }),
    );
  });
});
