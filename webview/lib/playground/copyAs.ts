import type { ChatBody } from '../../../src/protocol/playground.js';

export const COPY_FORMATS = ['curl', 'python', 'typescript'] as const;
export type CopyFormat = (typeof COPY_FORMATS)[number];

/** Where the token comes from in what is copied: never the token itself. */
const VARIABLE = 'FREELLM_API_KEY';

/**
 * A request as code that can be run elsewhere: with the real base URL, and the token from the environment.
 * @param baseUrl `http://127.0.0.1:3001/v1`
 */
export function copyAs(format: CopyFormat, baseUrl: string, body: ChatBody): string {
  switch (format) {
    case 'curl':
      return curl(baseUrl, body);
    case 'python':
      return python(baseUrl, body);
    case 'typescript':
      return typescript(baseUrl, body);
  }
}

function curl(baseUrl: string, body: ChatBody): string {
  return [
    `curl -N ${shell(`${baseUrl}/chat/completions`)} \\`,
    `  -H "Authorization: Bearer $${VARIABLE}" \\`,
    "  -H 'Content-Type: application/json' \\",
    `  --data-raw ${shell(JSON.stringify(body, null, 2))}`,
    '',
  ].join('\n');
}

/** In single quotes nothing means anything to a POSIX shell but a single quote. */
function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function python(baseUrl: string, body: ChatBody): string {
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${pythonValue(value, 1)},`);
  return [
    'import os',
    '',
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key=os.environ["${VARIABLE}"])`,
    '',
    'stream = client.chat.completions.create(',
    ...fields,
    ')',
    'for chunk in stream:',
    '    if chunk.choices and chunk.choices[0].delta.content:',
    '        print(chunk.choices[0].delta.content, end="", flush=True)',
    'print()',
    '',
  ].join('\n');
}

/** Python's literals are JSON's but for three words; its strings take JSON's escapes as long as all is ASCII. */
function pythonValue(value: unknown, depth: number): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null || value === undefined) return 'None';
  if (typeof value !== 'object') return ascii(JSON.stringify(value));
  const inner = '    '.repeat(depth + 1);
  const outer = '    '.repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => `${inner}${pythonValue(item, depth + 1)},\n`).join('')}${outer}]`;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(
    ([name, item]) => `${inner}${ascii(JSON.stringify(name))}: ${pythonValue(item, depth + 1)},\n`,
  );
  return `{\n${lines.join('')}${outer}}`;
}

/**
 * JSON text whose odd characters are escapes. Letters of any language stay; what cannot be seen, halves of pairs and
 * characters beyond U+FFFF (which JSON writes as pairs, and Python would keep as two) are written as Python has them.
 */
function ascii(json: string): string {
  return json
    .replace(/\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/gi, (_pair, high: string, low: string) =>
      wide(((Number.parseInt(high, 16) - 0xd800) << 10) + (Number.parseInt(low, 16) - 0xdc00) + 0x10000),
    )
    .replace(/[\p{Cf}\p{Zl}\p{Zp}\p{Cc}\u{10000}-\u{10ffff}]/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return code > 0xffff ? wide(code) : `\\u${code.toString(16).padStart(4, '0')}`;
    });
}

function wide(code: number): string {
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

function typescript(baseUrl: string, body: ChatBody): string {
  // JSON is a literal of TypeScript; line separators and marks that turn text around are escaped, to be seen.
  const json = JSON.stringify(body, null, 2).replace(
    /[\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return [
    "import OpenAI from 'openai';",
    '',
    `const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: process.env.${VARIABLE} });`,
    '',
    `const stream = await client.chat.completions.create(${json});`,
    'for await (const chunk of stream) {',
    "  process.stdout.write(chunk.choices[0]?.delta?.content ?? '');",
    '}',
    "process.stdout.write('\\n');",
    '',
  ].join('\n');
}
