import * as vscode from 'vscode';
import type { ExportRequest } from '../protocol/pages.js';
import { attempt, type GatewayAccess, withCancellableProgress } from './gatewayAccess.js';
import { requestsExported } from './notices.js';
import { csvOf, exportName, jsonOf, readRequests } from './requestExport.js';

/** Asks where to, reads all requests of the window and writes them there. */
export function exportRequests(access: GatewayAccess, request: ExportRequest): Promise<void> {
  return attempt(vscode.l10n.t('The requests were not exported'), async () => {
    const client = await access.client();
    if (client === null) return;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const filters: Record<string, string[]> = request.format === 'csv' ? { CSV: ['csv'] } : { JSON: ['json'] };
    const file = await vscode.window.showSaveDialog({
      filters,
      title: vscode.l10n.t('Export Requests'),
      ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, exportName(request)) }),
    });
    if (file === undefined) return;
    const found = await withCancellableProgress(vscode.l10n.t('Reading the requests…'), null, (signal) =>
      readRequests(client, request, { signal, onRead: () => undefined }),
    );
    const text = request.format === 'csv' ? csvOf(found.requests) : jsonOf(request, found);
    await vscode.workspace.fs.writeFile(file, Buffer.from(text));
    void requestsExported(found.requests.length, file);
  });
}
