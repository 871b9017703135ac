/**
 * One name for the same weights at several providers: `llama-3.3-70b` is answered by whichever of these can. Written
 * by hand from the catalog, as `provider/model`; a test holds every entry against it. Different sizes, versions and
 * fine-tunes are never put together.
 */
export const logicalModels: Readonly<Record<string, readonly string[]>> = {
  'llama-3.3-70b': [
    'groq/llama-3.3-70b-versatile',
    'nvidia/meta/llama-3.3-70b-instruct',
    'cloudflare/@cf/meta/llama-3.3-70b-instruct-fp8-fast',
    'openrouter/meta-llama/llama-3.3-70b-instruct:free',
  ],
  'llama-3.1-8b': ['groq/llama-3.1-8b-instant', 'cerebras/llama3.1-8b'],
  'llama-4-scout': [
    'groq/meta-llama/llama-4-scout-17b-16e-instruct',
    'cloudflare/@cf/meta/llama-4-scout-17b-16e-instruct',
  ],
  'gpt-oss-120b': [
    'cerebras/gpt-oss-120b',
    'groq/openai/gpt-oss-120b',
    'cloudflare/@cf/openai/gpt-oss-120b',
    'ollama/gpt-oss:120b',
    'openrouter/openai/gpt-oss-120b:free',
  ],
  'gpt-oss-20b': ['groq/openai/gpt-oss-20b', 'ollama/gpt-oss:20b', 'openrouter/openai/gpt-oss-20b:free'],
  'kimi-k2.6': [
    'nvidia/moonshotai/kimi-k2.6',
    'cloudflare/@cf/moonshotai/kimi-k2.6',
    'huggingface/moonshotai/Kimi-K2.6',
    'openrouter/moonshotai/kimi-k2.6:free',
  ],
  'glm-4.7': ['cerebras/zai-glm-4.7', 'ollama/glm-4.7'],
  'glm-4.7-flash': ['zhipu/glm-4.7-flash', 'zai/glm-4.7-flash', 'cloudflare/@cf/zai-org/glm-4.7-flash'],
  'glm-4.5-flash': ['zhipu/glm-4.5-flash', 'zai/glm-4.5-flash'],
  'glm-4.6v-flash': ['zhipu/glm-4.6v-flash', 'zai/glm-4.6v-flash'],
  'deepseek-v4-flash': [
    'nvidia/deepseek-ai/deepseek-v4-flash',
    'huggingface/deepseek-ai/DeepSeek-V4-Flash',
    'opencode/deepseek-v4-flash-free',
  ],
  'qwen3-coder-480b': [
    'nvidia/qwen/qwen3-coder-480b-a35b-instruct',
    'ollama/qwen3-coder:480b',
    'openrouter/qwen/qwen3-coder:free',
  ],
  'qwen3-coder-next': ['ollama/qwen3-coder-next', 'huggingface/Qwen/Qwen3-Coder-Next'],
  'mistral-large-3': [
    'mistral/mistral-large-latest',
    'nvidia/mistralai/mistral-large-3-675b-instruct-2512',
    'ollama/mistral-large-3:675b',
  ],
  codestral: ['mistral/codestral-latest', 'llm7/codestral-latest'],
  'nemotron-3-super': [
    'nvidia/nvidia/nemotron-3-super-120b-a12b',
    'cloudflare/@cf/nvidia/nemotron-3-120b-a12b',
    'kilo/nvidia/nemotron-3-super-120b-a12b:free',
    'opencode/nemotron-3-super-free',
    'openrouter/nvidia/nemotron-3-super-120b-a12b:free',
  ],
  'nemotron-3-ultra': ['opencode/nemotron-3-ultra-free', 'openrouter/nvidia/nemotron-3-ultra-550b-a55b:free'],
  'nemotron-3-nano': ['nvidia/nvidia/nemotron-3-nano-30b-a3b', 'openrouter/nvidia/nemotron-3-nano-30b-a3b:free'],
  'gemma-4-31b': [
    'google/gemma-4-31b-it',
    'nvidia/google/gemma-4-31b-it',
    'ollama/gemma4:31b',
    'openrouter/google/gemma-4-31b-it:free',
  ],
  'gemma-4-26b': [
    'google/gemma-4-26b-a4b-it',
    'cloudflare/@cf/google/gemma-4-26b-a4b-it',
    'openrouter/google/gemma-4-26b-a4b-it:free',
  ],
  'laguna-m.1': ['kilo/poolside/laguna-m.1:free', 'openrouter/poolside/laguna-m.1:free'],
  'laguna-xs.2': ['kilo/poolside/laguna-xs.2:free', 'openrouter/poolside/laguna-xs.2:free'],
};
