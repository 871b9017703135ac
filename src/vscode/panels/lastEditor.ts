import * as vscode from 'vscode';

/** The text editor that was used last: while a page has the focus, VS Code knows of none. */
export class LastEditor implements vscode.Disposable {
  private last: vscode.TextEditor | undefined = vscode.window.activeTextEditor;
  private readonly watching = vscode.window.onDidChangeActiveTextEditor((editor) => {
    if (editor !== undefined) this.last = editor;
  });

  /** Puts the text where its cursor is, in place of what is selected there; into a new file where there is no editor. */
  async insert(text: string): Promise<void> {
    const { last } = this;
    if (last === undefined || last.document.isClosed) {
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text }));
      return;
    }
    const { selection } = last;
    const editor = await vscode.window.showTextDocument(last.document, {
      selection,
      ...(last.viewColumn === undefined ? {} : { viewColumn: last.viewColumn }),
    });
    await editor.edit((edit) => edit.replace(selection, text));
  }

  dispose(): void {
    this.watching.dispose();
  }
}
