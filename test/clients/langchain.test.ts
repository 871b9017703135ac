import assert from 'node:assert/strict';
import { AIMessage, type AIMessageChunk, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
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

const tools = [{ type: 'function' as const, function: weatherTool }];

function modelOf(setting: Setting): ChatOpenAI {
  return new ChatOpenAI({
    model: setting.model,
    apiKey: setting.gateway.token,
    configuration: { baseURL: setting.baseUrl },
    maxRetries: 0,
  });
}

/** One turn with the tool offered; a streamed one is put together by LangChain's own `concat`. */
async function turn(setting: Setting, isStream: boolean, messages: BaseMessage[]): Promise<AIMessage> {
  const model = modelOf(setting).bindTools(tools);
  if (!isStream) return model.invoke(messages);
  let whole: AIMessageChunk | undefined;
  for await (const chunk of await model.stream(messages)) whole = whole ? whole.concat(chunk) : chunk;
  assert.ok(whole);
  return whole;
}

async function toolRound(
  setting: Setting,
  isStream: boolean,
  question: string,
): Promise<{ names: string[]; text: string }> {
  const messages: BaseMessage[] = [new HumanMessage(question)];
  const first = await turn(setting, isStream, messages);
  const calls = first.tool_calls ?? [];
  messages.push(new AIMessage({ content: first.content, tool_calls: calls }));
  const names: string[] = [];
  for (const { id, name, args } of calls) {
    assert.ok(id);
    names.push(`${name}(${args.city})`);
    messages.push(new ToolMessage({ tool_call_id: id, content: weatherIn(args.city) }));
  }
  const second = await turn(setting, isStream, messages);
  return { names, text: second.text };
}

/** Tokens in and out; LangChain's own type of them is `never` under exactOptionalPropertyTypes. */
function tokensOf(message: BaseMessage): number[] {
  const { usage_metadata: counted } = message as { usage_metadata?: { input_tokens: number; output_tokens: number } };
  return counted ? [counted.input_tokens, counted.output_tokens] : [];
}

for (const wire of wires) {
  describe(`LangChain against ${wire.name}`, () => {
    const open = useSetting(wire);

    it('chats', async () => {
      const setting = await open();
      const answer = await modelOf(setting).invoke([
        ['system', 'Be kind.'],
        ['human', 'Hello'],
      ]);
      assert.equal(answer.text, helloAnswer);
      assert.deepEqual(tokensOf(answer), [usage.prompt, usage.completion]);
      assert.equal(answer.response_metadata.finish_reason, 'stop');
      assert.equal(setting.seen[0]?.system, 'Be kind.');
    });

    it('streams', async () => {
      const setting = await open();
      const pieces: string[] = [];
      const tokens: number[][] = [];
      for await (const chunk of await modelOf(setting).stream('Hello')) {
        if (chunk.text) pieces.push(chunk.text);
        if (chunk.usage_metadata) tokens.push(tokensOf(chunk));
      }
      assert.equal(pieces.join(''), helloAnswer);
      assert.ok(pieces.length > 1, 'it came in pieces');
      assert.deepEqual(tokens, [[usage.prompt, usage.completion]], 'usage once');
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

    it('sends an image', async () => {
      const setting = await open();
      const answer = await modelOf(setting).invoke([
        new HumanMessage({
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${pngBase64}` } },
          ],
        }),
      ]);
      assert.equal(answer.text, imageAnswer('image/png', pngBase64));
    });

    it('asks for JSON of a schema', async () => {
      const setting = await open();
      const model = modelOf(setting).withStructuredOutput(
        { title: 'weather', ...answerSchema },
        { name: 'weather', method: 'jsonSchema', strict: true },
      );
      assert.deepEqual(await model.invoke('The weather, as JSON'), schemaAnswer);
      assert.deepEqual(Object.keys((setting.seen[0]?.schema?.properties as object) ?? {}), ['city', 'degrees']);
    });

    it('aborts in the middle', async () => {
      const setting = await open();
      const controller = new AbortController();
      const stream = await modelOf(setting).stream('An endless story', { signal: controller.signal });
      await assert.rejects(async () => {
        for await (const chunk of stream) if (chunk.text) controller.abort();
      }, /abort/i);
      await assertClosedWithinASecond(setting.provider);
    });

    for (const isStream of [false, true]) {
      it(`gets its own typed error, ${isStream ? 'streaming' : 'not streaming'}`, async () => {
        const setting = await open();
        const model = modelOf(setting);
        const asked = isStream ? model.stream('please fail') : model.invoke('please fail');
        await assert.rejects(asked, (error: unknown) => {
          assert.ok(error instanceof Error);
          // LangChain marks errors it knows, and keeps the SDK's fields.
          const known = error as Error & { lc_error_code?: string; status?: number; code?: string };
          assert.equal(known.lc_error_code, 'MODEL_RATE_LIMIT');
          assert.equal(known.status, 429);
          assert.equal(known.code, 'rate_limit_exceeded');
          return true;
        });
      });
    }
  });
}
