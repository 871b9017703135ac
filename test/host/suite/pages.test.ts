import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const isKeys = ({ input }: vscode.Tab): boolean =>
  input instanceof vscode.TabInputWebview && input.viewType.endsWith('freellm.keys');

describe('a page', () => {
  it('is opened once, however often it is asked for at once', async () => {
    let opened = 0;
    const watching = vscode.window.tabGroups.onDidChangeTabs((change) => {
      opened += change.opened.filter(isKeys).length;
    });
    try {
      await Promise.all([1, 2, 3].map(() => vscode.commands.executeCommand('freellm.openKeys')));
      const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(isKeys);
      while (tabs().length === 0) await new Promise((resolve) => vscode.window.tabGroups.onDidChangeTabs(resolve));
      assert.equal(tabs().length, 1);
      await vscode.window.tabGroups.close(tabs());
      assert.equal(opened, 1);
    } finally {
      watching.dispose();
    }
  });
});
