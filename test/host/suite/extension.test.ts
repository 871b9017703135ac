import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { internalCommands, views } from '../../../src/vscode/contributions.js';

function extension() {
  const found = vscode.extensions.getExtension('freellm.freellm');
  assert.ok(found, 'freellm.freellm is not there');
  return found;
}

describe('the extension', () => {
  before(() => extension().activate());

  it('is active', () => {
    assert.equal(extension().isActive, true);
  });

  it('registers exactly the commands of its manifest, and its internal ones', async () => {
    const manifest: { command: string }[] = extension().packageJSON.contributes.commands;
    const isOurs = (id: string) =>
      id.startsWith('freellm.') && !Object.values(views).some((view) => id.startsWith(`${view}.`));
    // VS Code makes commands of its own for each view.
    const registered = (await vscode.commands.getCommands(true)).filter(isOurs);
    const declared = [...manifest.map(({ command }) => command), ...Object.values(internalCommands)];
    assert.deepEqual(registered.sort(), declared.sort());
  });

  it('has the settings that users rely on, with their defaults', () => {
    const settings = vscode.workspace.getConfiguration('freellm');
    assert.equal(settings.inspect('port')?.defaultValue, 3001);
    assert.equal(settings.inspect('host')?.defaultValue, '127.0.0.1');
  });

  it('lets no workspace move the gateway', () => {
    const { properties } = [extension().packageJSON.contributes.configuration].flat()[0];
    assert.equal(properties['freellm.port'].scope, 'machine');
    assert.equal(properties['freellm.host'].scope, 'machine');
  });
});
