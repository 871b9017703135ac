import assert from 'node:assert/strict';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import type { ClientResponse } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { chatCompletion, type FakeProvider, startProvider } from '../support/provider.js';
import type { Said } from './extract.js';
import { expectedFailure } from './failures.js';
import { reasonLeftOut } from './leftOut.js';
import { type Case, caseOf, clientUsage, recordedElsewhere } from './places.js';
import { loadRecordings, recordingsFolder } from './recordings.js';
import { Tally } from './tally.js';
import { type RecordedUpstream, startRecordedUpstream } from './upstream.js';

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of many shapes.
type Json = any;

const secret = 'recorded-provider-secret-0123456789';
const recordings = loadRecordings();

/**
 * Every recorded answer of a real provider, served again at the provider's own path and asked for through the gateway:
 * the client has to see exactly what was said.
 */
describe('Replay of recorded providers', function () {
  this.timeout(20_000);
  if (!recordings) {
    it('needs the recordings', function () {
      console.log(`      no recordings at ${recordingsFolder}; set FREELLM_RECORDINGS`);
      this.skip();
    });
    return;
  }
  const tally = new Tally();
  let upstream: RecordedUpstream;
  let second: FakeProvider;
  before(async () => {
    upstream = await startRecordedUpstream();
    second = await startProvider(chatCompletion({ text: 'from the second provider' }));
  });
  after(async () => {
    await upstream.close();
    await second.close();
  });

  for (const recording of recordings) {
    const chats = recording.interactions.filter((exchange) => reasonLeftOut(recording, exchange) === null);
    for (const exchange of recording.interactions) {
      const reason = reasonLeftOut(recording, exchange);
      if (reason !== null) tally.leaveOut(reason);
    }
    if (chats.length === 0) {
      tally.noChat(recording);
      continue;
    }
    it(recording.file, async () => {
      for (const [at, exchange] of chats.entries()) {
        const one = caseOf(recording, exchange);
        try {
          await replay(one, upstream, second);
        } catch (error) {
          if (error instanceof Error) error.message = `chat exchange ${at + 1} of ${chats.length}: ${error.message}`;
          throw error;
        }
      }
      tally.replayed(recording, chats.length);
    });
  }

  it('leaves no recording out without a reason', () => {
    console.log(tally.report());
    const missing = recordings.filter((recording) => !tally.accounted.has(recording.file)).map(({ file }) => file);
    assert.deepEqual(missing, [], 'neither replayed nor left out');
  });
});

async function replay(one: Case, upstream: RecordedUpstream, second: FakeProvider): Promise<void> {
  upstream.serve(one.exchange);
  const failure = expectedFailure(one);
  const gateway = await startGateway({ config: configFor(one, upstream, second) });
  try {
    const answer = await ask(gateway, one, `${one.place.id}/${one.model}`);
    if (failure) await expectError(answer, failure);
    else if (one.said) await expectSaid(answer, one, one.said);
    checkAsked(one, upstream);
  } finally {
    await gateway.close();
  }
  if (!failure) return;
  const chain = await startGateway({ config: configFor(one, upstream, second) });
  try {
    const answer = await ask(chain, one, 'auto');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-routed-via'], 'custom:second/healthy');
    assert.equal(answer.headers['x-fallback-attempts'], '1');
    assert.equal(answer.headers['x-fallback-trail'], `${one.place.id}/${one.model}=${failure.kind}`);
    const body = await answer.text();
    assert.match(body, /from the second provider/);
  } finally {
    await chain.close();
  }
}

/** The recorded provider at the replaying server, a healthy second one after it, and room for every request. */
function configFor(one: Case, upstream: RecordedUpstream, second: FakeProvider): ConfigFile {
  const model = { tools: true, vision: true, contextWindow: 1_000_000, maxOutput: 65_536 };
  const name = `${one.place.id}/${one.model}`;
  return {
    providers: {
      [one.place.id]: {
        baseUrl: upstream.origin + one.place.prefix,
        keys: [{ key: secret }],
        models: [{ id: one.model, ...model }],
      },
      'custom:second': {
        baseUrl: second.baseUrl,
        keys: [{ key: 'second-secret' }],
        models: [{ id: 'healthy', ...model }],
      },
    },
    chain: [name, 'custom:second/healthy'],
    strategy: 'priority',
    limits: { [name]: { rpm: 1_000, rpd: 100_000, tpm: 100_000_000, tpd: 1_000_000_000 } },
    settings: { healthProbes: false, 'queue.timeoutSeconds': 0 },
  };
}

function ask(gateway: TestGateway, one: Case, model: string): Promise<ClientResponse> {
  const streaming = one.isStream ? { stream: true, stream_options: { include_usage: true } } : {};
  return gateway.chat({ ...one.body, model, ...streaming });
}

async function expectError(answer: ClientResponse, failure: NonNullable<ReturnType<typeof expectedFailure>>) {
  const text = await answer.text();
  assert.equal(answer.status, failure.status, text);
  const { error } = JSON.parse(text);
  assert.equal(error.code, failure.code);
  assert.equal(error.type, failure.type);
  if (failure.status === 429) assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
  assert.ok(!text.includes(secret), 'the key is in the error');
}

async function expectSaid(answer: ClientResponse, one: Case, said: Said): Promise<void> {
  if (answer.status !== 200) assert.fail(`${answer.status}: ${await answer.text()}`);
  assert.equal(answer.headers['x-routed-via'], headerText(`${one.place.id}/${one.model}`));
  const seen = one.isStream ? await readStream(answer, said) : await readBody(answer, said);
  assert.deepEqual(comparable(seen), comparable(said));
}

/** Header values are ASCII; the recorded names are. */
function headerText(name: string): string {
  return encodeURI(name);
}

/** White space beside reasoning that was cut out of the text belongs to neither. */
function comparable(said: Said): Said {
  if (said.reasoning === '') return said;
  return { ...said, text: said.text.trimStart(), reasoning: said.reasoning.trim() };
}

async function readBody(answer: ClientResponse, expected: Said): Promise<Said> {
  const body = await answer.json();
  assert.equal(body.object, 'chat.completion');
  assert.equal(body.choices.length, 1);
  const { message, finish_reason: finish } = body.choices[0];
  assert.equal(message.role, 'assistant');
  const calls = message.tool_calls ?? [];
  assertIds(calls);
  return {
    text: message.content ?? '',
    reasoning: message.reasoning_content ?? '',
    calls: calls.map(({ function: one }: Call) => ({ name: one.name, arguments: JSON.parse(one.arguments) })),
    finish,
    usage: expected.usage && clientUsage(body.usage, expected.usage),
    error: null,
  };
}

async function readStream(answer: ClientResponse, expected: Said): Promise<Said> {
  const stream = await answer.stream();
  assert.ok(stream.sawDone, '[DONE] ends the stream');
  assert.equal(stream.roleChunks, 1, 'one role chunk');
  assert.ok(stream.usages.length <= 1, 'usage once');
  assert.ok(stream.finishReasons.length <= 1, 'one finish reason');
  assertIds(stream.toolCalls);
  return {
    text: stream.text,
    reasoning: stream.reasoning,
    calls: stream.toolCalls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) })),
    finish: stream.finishReasons[0] ?? null,
    usage: expected.usage && clientUsage(stream.usages[0], expected.usage),
    error:
      expected.error !== null && stream.errors[0]?.message.includes(expected.error)
        ? expected.error
        : (stream.errors[0]?.message ?? null),
  };
}

interface Call {
  id: string;
  function: { name: string; arguments: string };
}

function assertIds(calls: readonly { id?: string | undefined }[]): void {
  const ids = calls.map((call) => call.id);
  assert.ok(
    ids.every((id) => typeof id === 'string' && id !== ''),
    'every call has an id',
  );
  assert.equal(new Set(ids).size, ids.length, 'ids of calls are unique');
}

/** The gateway asked once, at the provider's real path, with the key where that provider wants it. */
function checkAsked(one: Case, upstream: RecordedUpstream): void {
  const [asked, ...more] = upstream.asked;
  assert.ok(asked, 'the provider was asked');
  assert.equal(more.length, 0, 'it was asked once');
  assert.equal(asked.method, 'POST');
  assert.equal(asked.path, one.upstreamPath);
  const { uri } = one.exchange.request;
  if (uri !== null && !recordedElsewhere.has(one.place.id)) {
    assert.equal(new URL(asked.path, uri).pathname, new URL(uri).pathname, 'where the recorded client asked');
  }
  checkContent(one, asked.body);
  if (one.place.wire === 'gemini') {
    assert.equal(asked.googleKey, secret);
    assert.equal(asked.authorization, undefined);
    return;
  }
  assert.equal(asked.authorization, `Bearer ${secret}`);
  assert.equal(asked.body.model, one.model);
}

/** Every function the client offered, and every text that a user wrote, reached the provider. */
function checkContent(one: Case, sent: Json): void {
  const declared = (sent.tools ?? []).flatMap((tool: Json) => tool.functionDeclarations ?? [tool.function]);
  const offered = ((one.body.tools as Json[] | undefined) ?? []).flatMap((tool) => tool.function ?? []);
  assert.deepEqual(namesOf(declared), namesOf(offered), 'the tools offered');
  const written = JSON.stringify(sent);
  for (const message of one.body.messages as Json[]) {
    if (message.role !== 'user') continue;
    const parts: Json[] = typeof message.content === 'string' ? [{ text: message.content }] : message.content;
    for (const { text } of parts) {
      if (text) assert.ok(written.includes(JSON.stringify(text).slice(1, -1)), 'a text is missing upstream');
    }
  }
}

function namesOf(functions: readonly { name: string }[]): string[] {
  return functions.map((one) => one.name);
}
