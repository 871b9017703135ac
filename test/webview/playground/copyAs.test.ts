import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import ts from 'typescript';
import type { ChatBody } from '../../../src/protocol/playground.js';
import { copyAs } from '../../../webview/lib/playground/copyAs.js';
import { useBed } from '../../support/bed.js';
import { chatCompletion } from '../../support/provider.js';

const run = promisify(execFile);
/** Whatever could end a quotation, call a command or be read as something else. */
const NASTY = `it's "quoted" \\ $HOME \`id\` $(id) !! %s {x} \\n
second line\ttab \u2028 \u202e 😀 \u0000 '''""" \${y} </script> é 漢 \ud800`;
const BODY: ChatBody = {
  model: "o'reilly/m",
  messages: [
    { role: 'system', content: NASTY },
    { role: 'user', content: [{ type: 'text', text: NASTY }] },
  ],
  stream: true,
  stream_options: { include_usage: true },
  temperature: 0.5,
  response_format: { type: 'json_object' },
  tools: [
    {
      type: 'function',
      function: { name: 'f', parameters: { type: 'object', properties: {}, required: [], x: null } },
    },
  ],
};
const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

describe('copy as code', () => {
  const bed = useBed();

  it('curl sends exactly the request', async function () {
    if (!has('curl') || process.platform === 'win32') this.skip();
    const provider = await bed.provider(chatCompletion({ text: 'Hello' }));
    const command = copyAs('curl', provider.baseUrl, BODY);
    const { stdout } = await run('sh', ['-c', command], { env: { ...process.env, FREELLM_API_KEY: 'tok-1' } });
    const [request] = provider.requests;
    // Half a pair cannot travel: JSON has it as an escape.
    assert.deepEqual(request?.body, JSON.parse(JSON.stringify(BODY)));
    assert.equal(request?.headers.authorization, 'Bearer tok-1');
    assert.match(stdout, /Hello/);
  });

  it('Python reads the same values', function () {
    if (!has('python3')) this.skip();
    // The SDK is not there: what it would be given is printed instead.
    const fake = `
import json, sys, types
class Create:
    def create(self, **given):
        print(json.dumps(given))
        return []
class OpenAI:
    def __init__(self, base_url, api_key):
        assert api_key == 'tok-1', api_key
        assert base_url == 'http://127.0.0.1:1/v1', base_url
        self.chat = types.SimpleNamespace(completions=Create())
sys.modules['openai'] = types.SimpleNamespace(OpenAI=OpenAI)
`;
    const output = execFileSync('python3', ['-'], {
      input: fake + copyAs('python', 'http://127.0.0.1:1/v1', BODY),
      env: { ...process.env, FREELLM_API_KEY: 'tok-1' },
      encoding: 'utf8',
    });
    assert.deepEqual(JSON.parse(output), JSON.parse(JSON.stringify(BODY)));
  });

  it('TypeScript reads the same values', () => {
    const code = copyAs('typescript', 'http://127.0.0.1:1/v1', BODY);
    const file = ts.createSourceFile('x.ts', code, ts.ScriptTarget.ES2023, true);
    assert.deepEqual((file as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics, []);
    let given: unknown;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && node.expression.getText(file).endsWith('completions.create'))
        given = new Function(`return ${node.arguments[0]?.getText(file) ?? ''}`)();
      ts.forEachChild(node, visit);
    };
    visit(file);
    assert.deepEqual(given, JSON.parse(JSON.stringify(BODY)));
  });

  it('never has a token', () => {
    for (const format of ['curl', 'python', 'typescript'] as const) {
      const code = copyAs(format, 'http://127.0.0.1:3001/v1', BODY);
      assert.ok(code.includes('FREELLM_API_KEY') && code.includes('http://127.0.0.1:3001/v1'));
      assert.ok(!code.includes('freellmapi'));
    }
  });
});
