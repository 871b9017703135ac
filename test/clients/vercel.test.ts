import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai';
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

function modelOf(setting: Setting): LanguageModel {
  const provider = createOpenAICompatible({
    name: 'freellm',
    baseURL: setting.baseUrl,
    apiKey: setting.gateway.token,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return provider(setting.model);
}

/** The SDK's own loop: it runs the tool and asks again. */
async function toolRound(
  setting: Setting,
  isStream: boolean,
  prompt: string,
): Promise<{ cities: string[]; text: string }> {
  const cities: string[] = [];
  const get_weather = tool({
    description: weatherTool.description,
    inputSchema: jsonSchema<{ city: string }>(weatherTool.parameters as Parameters<typeof jsonSchema>[0]),
    execute: async ({ city }) => {
      cities.push(city);
      return weatherIn(city);
    },
  });
  const options = { model: modelOf(setting), prompt, tools: { get_weather }, stopWhen: stepCountIs(3), maxRetries: 0 };
  if (!isStream) return { cities, text: (await generateText(options)).text };
  const result = streamText(options);
  await result.consumeStream();
  return { cities, text: await result.text };
}

for (const wire of wires) {
  describe(`Vercel's AI SDK against ${wire.name}`, () => {
    const open = useSetting(wire);

    it('chats', async () => {
      const setting = await open();
      const answer = await generateText({
        model: modelOf(setting),
        system: 'Be kind.',
        prompt: 'Hello',
        maxRetries: 0,
      });
      assert.equal(answer.text, helloAnswer);
      assert.equal(answer.finishReason, 'stop');
      assert.equal(answer.usage.inputTokens, usage.prompt);
      assert.equal(answer.usage.outputTokens, usage.completion);
      assert.equal(setting.seen[0]?.system, 'Be kind.');
    });

    it('streams', async () => {
      const setting = await open();
      const result = streamText({ model: modelOf(setting), prompt: 'Hello', maxRetries: 0 });
      const pieces: string[] = [];
      for await (const piece of result.textStream) pieces.push(piece);
      assert.equal(pieces.join(''), helloAnswer);
      assert.ok(pieces.length > 1, 'it came in pieces');
      assert.equal(await result.finishReason, 'stop');
      assert.equal((await result.usage).totalTokens, usage.prompt + usage.completion);
    });

    for (const isStream of [false, true]) {
      const how = isStream ? 'streaming' : 'not streaming';
      it(`calls a tool and tells its result, ${how}`, async () => {
        const round = await toolRound(await open(), isStream, 'What is the weather in Paris?');
        assert.deepEqual(round, { cities: ['Paris'], text: 'get_weather: 21 degrees' });
      });

      it(`calls two tools at once, ${how}`, async () => {
        const round = await toolRound(await open(), isStream, 'What is the weather in both, Paris and Oslo?');
        assert.deepEqual(round.cities, ['Paris', 'Oslo']);
        assert.equal(round.text, 'get_weather: 21 degrees; get_weather: 4 degrees');
      });
    }

    it('sends an image', async () => {
      const setting = await open();
      const answer = await generateText({
        model: modelOf(setting),
        maxRetries: 0,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image', image: Buffer.from(pngBase64, 'base64'), mediaType: 'image/png' },
            ],
          },
        ],
      });
      assert.equal(answer.text, imageAnswer('image/png', pngBase64));
    });

    it('asks for JSON of a schema', async () => {
      const setting = await open();
      const answer = await generateText({
        model: modelOf(setting),
        prompt: 'The weather, as JSON',
        output: Output.object({ schema: jsonSchema(answerSchema as Parameters<typeof jsonSchema>[0]) }),
        maxRetries: 0,
      });
      assert.deepEqual(answer.output, schemaAnswer);
      assert.deepEqual(Object.keys((setting.seen[0]?.schema?.properties as object) ?? {}), ['city', 'degrees']);
    });

    it('aborts in the middle', async () => {
      const setting = await open();
      const controller = new AbortController();
      const result = streamText({
        model: modelOf(setting),
        prompt: 'An endless story',
        abortSignal: controller.signal,
        maxRetries: 0,
      });
      const kinds: string[] = [];
      for await (const part of result.fullStream) {
        kinds.push(part.type);
        if (part.type === 'text-delta') controller.abort();
      }
      assert.equal(kinds.at(-1), 'abort');
      await assertClosedWithinASecond(setting.provider);
    });

    for (const isStream of [false, true]) {
      it(`gets its own typed error, ${isStream ? 'streaming' : 'not streaming'}`, async () => {
        const setting = await open();
        const options = { model: modelOf(setting), prompt: 'please fail', maxRetries: 0 };
        const error = isStream
          ? await streamError(options)
          : await generateText(options).catch((thrown: unknown) => thrown);
        assert.ok(APICallError.isInstance(error));
        assert.equal(error.statusCode, 429);
        assert.equal(JSON.parse(error.responseBody ?? '').error.code, 'rate_limit_exceeded');
        assert.match(error.responseHeaders?.['retry-after'] ?? '', /^\d+$/);
      });
    }
  });
}

/** A streamed error comes as a part of the stream. */
async function streamError(options: Parameters<typeof streamText>[0]): Promise<unknown> {
  const result = streamText({ ...options, onError: () => undefined });
  for await (const part of result.fullStream) if (part.type === 'error') return part.error;
  return assert.fail('no error came');
}
