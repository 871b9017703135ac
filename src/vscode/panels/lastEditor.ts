import * as vscode from 'vscode';

/** Nobody types there: it counts as no editor. */
const READ_ONLY_SCHEMES = new Set(['output', 'debug']);

/** The text editor that was used last: while a page has the focus, VS Code knows of none. */
export class LastEditor implements vscode.Disposable {
  private last: vscode.TextEditor | undefined;
  private readonly watching = vscode.window.onDidChangeActiveTextEditor((editor) => this.used(editor));

  constructor() {
    this.used(vscode.window.activeTextEditor);
  }

  /**
   * Puts the text where its cursor is, in place of what is selected there; into a new file where there is no editor.
   * Rejects with what the user can do where it cannot be written there.
   */
  async insert(text: string): Promise<void> {
    const { last } = this;
    if (last === undefined || last.document.isClosed) {
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text }));
      return;
    }
    const { document, selection } = last;
    const name = vscode.workspace.asRelativePath(document.uri, false);
    const editor = await this.show(last).catch(() => {
      // The next one is asked for with a new file.
      this.last = undefined;
      throw new Error(vscode.l10n.t('{0} is gone. Click into another file, or insert again for a new one.', name));
    });
    const { version } = document;
    const isTaken = await editor.edit((edit) => edit.replace(selection, text));
    // VS Code says yes for a read-only editor, too, and changes nothing.
    if (isTaken && document.version !== version) return;
    throw new Error(vscode.l10n.t('{0} is read-only. Click into a file that can be changed, then insert again.', name));
  }

  dispose(): void {
    this.watching.dispose();
  }

  private used(editor: vscode.TextEditor | undefined): void {
    if (editor !== undefined && !READ_ONLY_SCHEMES.has(editor.document.uri.scheme)) this.last = editor;
  }

  private async show({ document, selection, viewColumn }: vscode.TextEditor): Promise<vscode.TextEditor> {
    const place = viewColumn === undefined ? {} : { viewColumn };
    return vscode.window.showTextDocument(document, { selection, ...place });
  }
}
