import assert from 'node:assert/strict';
import { parseModelList } from '../../../src/gateway/catalog/discovery.js';
import { customProviderSpec, providerSpec } from '../../../src/gateway/providers/table.js';

const lab = customProviderSpec('custom:lab', { baseUrl: 'http://127.0.0.1:9/v1' });
const parse = (provider: string, body: unknown) => parseModelList(providerSpec(provider) ?? lab, JSON.stringify(body));
const ids = (provider: string, body: unknown) => parse(provider, body).map((model) => model.id);

describe('parseModelList', () => {
  it('reads OpenAI’s list, each model once', () => {
    const [model, ...others] = parse('custom:lab', {
      object: 'list',
      data: [{ id: 'm1', object: 'model', max_model_len: 32768 }, { id: 'm1' }],
    });
    assert.deepEqual(others, []);
    assert.deepEqual(model, {
      provider: 'custom:lab',
      id: 'm1',
      name: 'm1',
      contextWindow: 32768,
      tools: true,
      vision: false,
      reasoning: false,
      intelligenceRank: 1000,
      speedRank: 1000,
      enabled: true,
      limits: {},
      source: 'discovered',
    });
  });

  it('lets the catalog win, and learns the output limit', () => {
    const [model] = parse('groq', {
      data: [{ id: 'llama-3.3-70b-versatile', context_window: 1, max_completion_tokens: 32768 }],
    });
    assert.deepEqual(
      [model!.source, model!.contextWindow, model!.maxOutput, model!.limits.rpm],
      ['catalog', 131072, 32768, 30],
    );
  });

  it('reads Google’s list', () => {
    const models = [
      {
        name: 'models/gemini-9',
        displayName: 'Gemini 9',
        inputTokenLimit: 1000000,
        outputTokenLimit: 65536,
        supportedGenerationMethods: ['generateContent'],
        thinking: true,
      },
      { name: 'models/embedding-9', supportedGenerationMethods: ['embedContent'] },
      { name: 'models/gemini-9-flash-image', supportedGenerationMethods: ['generateContent'] },
    ];
    const [model, ...others] = parse('google', { models });
    assert.deepEqual(others, []);
    assert.deepEqual(
      [model!.id, model!.name, model!.contextWindow, model!.maxOutput, model!.reasoning],
      ['gemini-9', 'Gemini 9', 1000000, 65536, true],
    );
  });

  it('reads Cohere’s list', () => {
    const models = [
      { name: 'command-z', endpoints: ['chat', 'generate'], context_length: 256000, features: ['tools', 'vision'] },
      { name: 'rerank-z', endpoints: ['rerank'] },
    ];
    const [model, ...others] = parse('cohere', { models });
    assert.deepEqual(others, []);
    assert.deepEqual([model!.id, model!.contextWindow, model!.tools], ['command-z', 256000, true]);
  });

  it('reads Ollama’s, Cloudflare’s and plain lists', () => {
    assert.deepEqual(ids('custom:lab', { models: [{ name: 'llama3:8b', model: 'llama3:8b' }] }), ['llama3:8b']);
    assert.deepEqual(ids('custom:lab', ['a', { id: 'b' }, 3, null]), ['a', 'b']);
    const result = [
      { id: 'uuid-1', name: '@cf/new/chat', task: { name: 'Text Generation' } },
      { id: 'uuid-2', name: '@cf/new/sound', task: { name: 'Automatic Speech Recognition' } },
    ];
    assert.deepEqual(ids('cloudflare', { success: true, result }), ['@cf/new/chat']);
  });

  it('takes only what is free from OpenRouter', () => {
    const data = [
      {
        id: 'a/x:free',
        pricing: { prompt: '0', completion: '0' },
        context_length: 4096,
        supported_parameters: ['temperature'],
      },
      {
        id: 'a/zero',
        pricing: { prompt: '0', completion: '0' },
        architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
      },
      { id: 'a/paid', pricing: { prompt: '0.000001', completion: '0' } },
      { id: 'openrouter/auto', pricing: { prompt: '-1', completion: '-1' } },
      { id: 'a/unknown' },
    ];
    const models = parse('openrouter', { data });
    assert.deepEqual(
      models.map((model) => model.id),
      ['a/x:free', 'a/zero'],
    );
    assert.deepEqual(
      models.map((model) => [model.tools, model.vision]),
      [
        [false, false],
        [true, true],
      ],
    );
  });

  it('passes over what does not chat', () => {
    const names = [
      'text-embedding-3-small',
      'BAAI/bge-m3',
      'whisper-large-v3',
      'playai-tts',
      'tts-1',
      'canopylabs/orpheus-v1-english',
      'omni-moderation-latest',
      'meta-llama/llama-guard-4-12b',
      'black-forest-labs/FLUX.1-schnell',
      'dall-e-3',
      'gpt-image-1',
      'mistral-ocr-latest',
      'imagen-4',
      'stabilityai/stable-diffusion-xl',
      'rerank-v3.5',
      'nomic-embed-text',
    ];
    assert.deepEqual(ids('custom:lab', { data: names.map((id) => ({ id })) }), []);
    assert.deepEqual(
      ids('custom:lab', {
        data: [
          { id: 'x', type: 'image' },
          { id: 'y', type: 'chat' },
        ],
      }),
      ['y'],
    );
    const chats = [
      'gpt-oss-20b',
      'qwen3-vl-8b',
      'deepseek-r1',
      'gemma-4',
      'llama-4-maverick',
      'kimi-k2',
      'glm-4.7-flash',
    ];
    assert.deepEqual(ids('custom:lab', { data: chats.map((id) => ({ id })) }), chats);
  });

  it('throws a clear error at anything else', () => {
    assert.throws(() => parseModelList(lab, '<html>'), /model list of lab is not JSON/);
    assert.throws(() => parse('custom:lab', { error: { message: 'nope' } }), /nope/);
  });
});
