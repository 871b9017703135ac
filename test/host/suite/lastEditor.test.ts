import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { LastEditor } from '../../../src/vscode/panels/lastEditor.js';

describe('code that is inserted', () => {
  const scheme = 'freellm-test';
  const disposables: vscode.Disposable[] = [];
  let lastEditor: LastEditor;
  before(() => {
    lastEditor = new LastEditor();
    const provideTextDocumentContent = () => 'as it is';
    disposables.push(
      lastEditor,
      vscode.workspace.registerTextDocumentContentProvider(scheme, { provideTextDocumentContent }),
    );
  });
  after(async () => {
    for (const each of disposables) each.dispose();
    await closeAll();
  });

  const closeOne = () => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  async function closeAll(): Promise<void> {
    while (vscode.window.tabGroups.activeTabGroup.activeTab !== undefined) await closeOne();
  }

  async function show(document: vscode.TextDocument): Promise<vscode.TextDocument> {
    const used = new Promise((resolve) => {
      disposables.push(
        vscode.window.onDidChangeActiveTextEditor((editor) => editor?.document === document && resolve(undefined)),
      );
    });
    await Promise.all([used, vscode.window.showTextDocument(document)]);
    return document;
  }

  it('goes where the cursor is', async () => {
    const document = await show(await vscode.workspace.openTextDocument({ content: '' }));
    await lastEditor.insert('let a;');
    assert.equal(document.getText(), 'let a;');
  });

  it('is refused in words by an editor that is read-only, even though VS Code takes it', async () => {
    const document = await show(await vscode.workspace.openTextDocument(vscode.Uri.parse(`${scheme}:/plain.txt`)));
    await assert.rejects(lastEditor.insert('let b;'), /plain\.txt is read-only\. Click into a file/);
    assert.equal(document.getText(), 'as it is');
  });

  it('comes in a new file where the editor was closed', async () => {
    // Where one is closed another may come to the front.
    await closeAll();
    const document = await show(await vscode.workspace.openTextDocument({ content: '' }));
    const closed = new Promise((resolve) => {
      disposables.push(vscode.workspace.onDidCloseTextDocument((each) => each === document && resolve(undefined)));
    });
    await closeOne();
    await closed;
    await lastEditor.insert('let c;');
    assert.equal(vscode.window.activeTextEditor?.document.getText(), 'let c;');
  });
});
