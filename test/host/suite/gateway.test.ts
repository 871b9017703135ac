import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { chat, gatewayUnderTest, until, untilReady } from './gatewayUnderTest.js';

describe('the gateway of a window', () => {
  before(async () => {
    await vscode.extensions.getExtension('freellm.freellm')?.activate();
    await untilReady();
  });

  it('answers a chat request by the demo provider', async () => {
    const response = await chat({});
    assert.equal(response.status, 200);
    assert.match(response.headers.get('x-routed-via') ?? '', /^demo\//);
    const body = JSON.parse(await response.text());
    assert.ok(body.choices[0].message.content.length > 0);
  });

  it('streams', async () => {
    const response = await chat({ stream: true });
    const text = await response.text();
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.match(text, /data: \[DONE\]\n\n$/);
  });

  it('refuses a wrong token', async () => {
    assert.equal((await chat({}, 'wrong')).status, 401);
  });

  it('copies endpoint and token', async () => {
    const { base, token } = gatewayUnderTest();
    await vscode.env.clipboard.writeText('');
    // Its promise waits for an answer to the notification; the clipboard has the text before.
    void vscode.commands.executeCommand('freellm.copyEndpoint');
    const copied = await until(() => vscode.env.clipboard.readText(), Boolean);
    assert.ok(copied.includes(`${base}/v1`));
    assert.ok(copied.includes(token));
  });

  it('answers again after a restart', async () => {
    await vscode.commands.executeCommand('freellm.restartGateway');
    await untilReady();
    assert.equal((await chat({})).status, 200);
  });
});
