import assert from 'node:assert/strict';
import OpenAI, { APIUserAbortError, NotFoundError, RateLimitError } from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import {
  answerSchema,
  helloAnswer,
  imageAnswer,
  pngBase64,
  schemaAnswer,
  usage,
  weatherIn,
  weatherTool,
} from './agentScript.js';
import { assertClosedWithinASecond, type Setting, useSetting } from './upstreams.js';
import { wires } from './wires.js';

const tools: ChatCompletionTool[] = [{ type: 'function', function: weatherTool }];
const total = usage.prompt + usage.completion;

function clientOf(setting: Setting): OpenAI {
  return new OpenAI({ baseURL: setting.baseUrl, apiKey: setting.gateway.token });
}

/** One turn, streamed or not, through the SDK's own helpers. */
async function turn(client: OpenAI, isStream: boolean, model: string, messages: ChatCompletionMessageParam[]) {
  const body = { model, messages, tools };
  if (!isStream) return client.chat.completions.create(body);
  return client.chat.completions.stream(body).finalChatCompletion();
}

/** Two steps: the model calls, the tool answers, the model tells. */
async function toolRound(
  setting: Setting,
  isStream: boolean,
  question: string,
): Promise<{ names: string[]; text: string }> {
  const client = clientOf(setting);
  const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: question }];
  const first = (await turn(client, isStream, setting.model, messages)).choices[0];
  assert.ok(first);
  assert.equal(first.finish_reason, 'tool_calls');
  messages.push(first.message);
  const names: string[] = [];
  for (const call of first.message.tool_calls ?? []) {
    assert.equal(call.type, 'function');
    if (call.type !== 'function') continue;
    const { city } = JSON.parse(call.function.arguments);
    names.push(`${call.function.name}(${city})`);
    messages.push({ role: 'tool', tool_call_id: call.id, content: weatherIn(city) });
  }
  const second = (await turn(client, isStream, setting.model, messages)).choices[0];
  assert.equal(second?.finish_reason, 'stop');
  return { names, text: second?.message.content ?? '' };
}

for (const wire of wires) {
  describe(`The openai SDK against ${wire.name}`, () => {
    const open = useSetting(wire);

    it('chats', async () => {
      const setting = await open();
      const answer = await clientOf(setting).chat.completions.create({
        model: setting.model,
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hello' },
        ],
      });
      assert.equal(answer.choices[0]?.message.content, helloAnswer);
      assert.equal(answer.choices[0]?.finish_reason, 'stop');
      assert.equal(answer.usage?.prompt_tokens, usage.prompt);
      assert.equal(answer.usage?.completion_tokens, usage.completion);
      assert.equal(answer.usage?.total_tokens, total);
      assert.equal(setting.seen[0]?.system, 'Be kind.');
    });

    it('streams', async () => {
      const setting = await open();
      const stream = await clientOf(setting).chat.completions.create({
        model: setting.model,
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
        stream_options: { include_usage: true },
      });
      const pieces: string[] = [];
      let tokens: number | undefined;
      for await (const chunk of stream) {
        const piece = chunk.choices[0]?.delta.content;
        if (piece) pieces.push(piece);
        if (chunk.usage) tokens = chunk.usage.total_tokens;
      }
      assert.equal(pieces.join(''), helloAnswer);
      assert.ok(pieces.length > 1, 'it came in pieces');
      assert.equal(tokens, total);
    });

    for (const isStream of [false, true]) {
      const how = isStream ? 'streaming' : 'not streaming';
      it(`calls a tool and tells its result, ${how}`, async () => {
        const round = await toolRound(await open(), isStream, 'What is the weather in Paris?');
        assert.deepEqual(round, { names: ['get_weather(Paris)'], text: 'get_weather: 21 degrees' });
      });

      it(`calls two tools at once, ${how}`, async () => {
        const round = await toolRound(await open(), isStream, 'What is the weather in both, Paris and Oslo?');
        assert.deepEqual(round.names, ['get_weather(Paris)', 'get_weather(Oslo)']);
        assert.equal(round.text, 'get_weather: 21 degrees; get_weather: 4 degrees');
      });
    }

    it('runs tools by itself', async () => {
      const setting = await open();
      const asked: string[] = [];
      const runner = clientOf(setting).chat.completions.runTools({
        model: setting.model,
        stream: true,
        messages: [{ role: 'user', content: 'What is the weather in both, Paris and Oslo?' }],
        tools: [
          {
            type: 'function',
            function: {
              ...weatherTool,
              parse: JSON.parse,
              function: ({ city }: { city: string }) => {
                asked.push(city);
                return weatherIn(city);
              },
            },
          },
        ],
      });
      assert.equal(await runner.finalContent(), 'get_weather: 21 degrees; get_weather: 4 degrees');
      assert.deepEqual(asked, ['Paris', 'Oslo']);
    });

    it('sends an image', async () => {
      const setting = await open();
      const answer = await clientOf(setting).chat.completions.create({
        model: setting.model,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${pngBase64}` } },
            ],
          },
        ],
      });
      assert.equal(answer.choices[0]?.message.content, imageAnswer('image/png', pngBase64));
    });

    it('asks for JSON of a schema', async () => {
      const setting = await open();
      const answer = await clientOf(setting).chat.completions.parse({
        model: setting.model,
        messages: [{ role: 'user', content: 'The weather, as JSON' }],
        response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema: answerSchema } },
      });
      assert.deepEqual(JSON.parse(answer.choices[0]?.message.content ?? ''), schemaAnswer);
      assert.deepEqual(Object.keys((setting.seen[0]?.schema?.properties as object) ?? {}), ['city', 'degrees']);
    });

    it('aborts in the middle', async () => {
      const setting = await open();
      const stream = await clientOf(setting).chat.completions.create({
        model: setting.model,
        messages: [{ role: 'user', content: 'An endless story' }],
        stream: true,
      });
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content) break;
      }
      await assertClosedWithinASecond(setting.provider);
    });

    it('aborts before anything came', async () => {
      const setting = await open();
      const controller = new AbortController();
      const answer = clientOf(setting).chat.completions.create(
        { model: setting.model, messages: [{ role: 'user', content: 'An endless story' }] },
        { signal: controller.signal },
      );
      await setting.provider.request(1);
      controller.abort();
      await assert.rejects(answer, APIUserAbortError);
      await assertClosedWithinASecond(setting.provider);
    });

    for (const isStream of [false, true]) {
      it(`gets its own typed error, ${isStream ? 'streaming' : 'not streaming'}`, async () => {
        const setting = await open();
        // With the SDK's own retries on: the gateway says that they are of no use.
        const answer = clientOf(setting).chat.completions.create({
          model: setting.model,
          messages: [{ role: 'user', content: 'please fail' }],
          stream: isStream,
        });
        await assert.rejects(answer, (error: unknown) => {
          assert.ok(error instanceof RateLimitError);
          assert.equal(error.code, 'rate_limit_exceeded');
          assert.equal(error.type, 'rate_limit_error');
          assert.equal(error.headers.get('x-should-retry'), 'false');
          return true;
        });
        assert.equal(setting.provider.requests.length, 1);
      });
    }

    it('gets NotFoundError for a model nobody knows', async () => {
      const setting = await open();
      const answer = clientOf(setting).chat.completions.create({
        model: 'no-such-model',
        messages: [{ role: 'user', content: 'Hello' }],
      });
      await assert.rejects(
        answer,
        (error: unknown) => error instanceof NotFoundError && error.code === 'model_not_found',
      );
    });

    it('lists models', async () => {
      const setting = await open();
      const ids: string[] = [];
      for await (const model of clientOf(setting).models.list()) ids.push(model.id);
      assert.equal(ids[0], 'auto');
      assert.ok(ids.includes(setting.model));
    });
  });
}
