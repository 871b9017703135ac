import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { useBed } from '../../support/bed.js';
import type { TestGateway } from '../../support/gateway.js';
import type { FakeProvider } from '../../support/provider.js';
import { chainOf } from '../../support/scenario.js';
import { installAgents } from './install.js';
import { fileText, question, rateLimited, readingModel, secretWord } from './readingModel.js';

const quietEnvironment = {
  TERM: 'dumb',
  NO_COLOR: '1',
  DO_NOT_TRACK: '1',
  // Otherwise cline leaves a daemon on a fixed port, which clines of other homes would join.
  CLINE_SESSION_BACKEND_MODE: 'local',
};

/** Real agents, each in a home of its own: they read a file by a tool call and tell what it says, across a failover. */
describe('Terminal agents', function () {
  this.timeout(120_000);
  const bed = useBed();
  let binaries: string;
  let home: string;
  let workspace: string;
  let file: string;

  before(async function () {
    // 600 MB of packages the first time; a minute and a half where this was written.
    this.timeout(900_000);
    binaries = await installAgents();
  });
  beforeEach(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'freellm-home-'));
    workspace = await mkdtemp(path.join(tmpdir(), 'freellm-workspace-'));
    file = path.join(workspace, 'note.txt');
    await writeFile(file, fileText);
  });
  afterEach(async () => {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  /** U1 asks for the file and then is rate limited; U2 reads the result and answers. */
  async function startScene(): Promise<{ gateway: TestGateway; u1: FakeProvider; u2: FakeProvider }> {
    const u1 = await bed.provider(readingModel(file, rateLimited));
    const u2 = await bed.provider(readingModel(file));
    return { gateway: await bed.gateway({ config: chainOf(u1, u2) }), u1, u2 };
  }

  /** Runs to the end; standard input is empty, as in a script. */
  async function runAgent(name: string, args: string[]): Promise<string> {
    const child = spawn(path.join(binaries, name), args, {
      cwd: workspace,
      env: { ...quietEnvironment, PATH: process.env.PATH, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let warned = '';
    child.stdout.on('data', (part: Buffer) => {
      said += part.toString('utf8');
    });
    child.stderr.on('data', (part: Buffer) => {
      warned += part.toString('utf8');
    });
    // Not `close`: a daemon that inherited the pipes would keep them open.
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, `${name} ended with ${code}: ${said.slice(-1_000)} ${warned.slice(-1_000)}`);
    return said;
  }

  function assertScene(u1: FakeProvider, u2: FakeProvider, said: string): void {
    assert.match(said, new RegExp(`The secret word is ${secretWord}\\.`));
    const asked = [...u1.requests, ...u2.requests].filter((request) => request.body.tools?.length > 0);
    assert.ok(
      asked.every((request) => request.body.stream === true),
      'agents stream',
    );
    assert.ok(hasResult(u1), 'the first provider was asked with the result, and answered 429');
    assert.ok(hasResult(u2), 'the second one got the result and answered');
  }

  it('cn (Continue) reads a file and answers, with a 429 in the middle', async () => {
    const { gateway, u1, u2 } = await startScene();
    const config = path.join(home, 'config.yaml');
    await writeFile(config, continueConfig(gateway));
    assertScene(u1, u2, await runAgent('cn', ['--config', config, '--auto', '-p', question]));
  });

  it('cline reads a file and answers, with a 429 in the middle', async () => {
    const { gateway, u1, u2 } = await startScene();
    const provider = 'openai-compatible';
    const url = `${gateway.url}/v1`;
    await runAgent('cline', ['auth', '-p', provider, '-k', gateway.token, '-b', url, '-m', 'auto']);
    assertScene(u1, u2, await runAgent('cline', ['-P', provider, '--auto-approve', 'true', question]));
  });
});

function hasResult(provider: FakeProvider): boolean {
  return provider.requests.some((request) =>
    request.body.messages.some((message: { role: string; content: unknown }) => {
      return message.role === 'tool' && JSON.stringify(message.content).includes(secretWord);
    }),
  );
}

function continueConfig(gateway: TestGateway): string {
  return [
    'name: FreeLLM',
    'version: 1.0.0',
    'schema: v1',
    'models:',
    '  - name: FreeLLM',
    '    provider: openai',
    '    model: auto',
    `    apiBase: ${gateway.url}/v1`,
    `    apiKey: ${gateway.token}`,
    '    roles: [chat]',
    '',
  ].join('\n');
}
