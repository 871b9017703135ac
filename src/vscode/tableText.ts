import * as vscode from 'vscode';

/**
 * What the table of providers says of one (its offer, a note on its terms) in the editor's language, as far as l10n/ has it.
 * Unlike other words it comes from the gateway, so that it is no literal here: test/vscode/l10n.test.ts knows the table.
 */
export function tableText(text: string): string {
  return vscode.l10n.bundle?.[text] ?? text;
}
