/** With every spelling of the two odd characters that was seen: U+FF5C or `|`, U+2581 or `_`. */
function deepSeekToken(name: string): readonly string[] {
  const blocks = name.replaceAll('_', '\u2581');
  return [`<\uff5c${blocks}\uff5c>`, `<|${blocks}|>`, `<|${name}|>`, `<\uff5c${name}\uff5c>`];
}

// https://github.com/vllm-project/vllm/tree/main/vllm/tool_parsers has a parser of each, and examples in their tests.
export const DEEPSEEK = {
  open: deepSeekToken('tool_calls_begin'),
  close: deepSeekToken('tool_calls_end'),
  call: deepSeekToken('tool_call_begin'),
  name: deepSeekToken('tool_sep'),
  end: deepSeekToken('tool_call_end'),
} as const;
export const KIMI = {
  open: '<|tool_calls_section_begin|>',
  close: '<|tool_calls_section_end|>',
  call: '<|tool_call_begin|>',
  arguments: '<|tool_call_argument_begin|>',
  end: '<|tool_call_end|>',
} as const;
/** Tokens that end a turn, where a server shows them. */
export const END_TOKENS = [
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  ...deepSeekToken('end_of_sentence'),
  '</s>',
];

/** Openers that stand in prose only where somebody speaks of them: they count at the start of a line or a sentence. */
export const TAG_OPENERS: readonly string[] = ['<tool_call>', '<function='];
/** Openers that are single tokens of a model: they count wherever they stand outside of code. */
export const TOKEN_OPENERS: readonly string[] = [
  '<|python_tag|>',
  KIMI.open,
  KIMI.call,
  ...DEEPSEEK.open,
  '[TOOL_CALLS]',
];
export const OPENERS = [...TAG_OPENERS, ...TOKEN_OPENERS];
