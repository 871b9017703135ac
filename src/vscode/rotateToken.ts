import * as vscode from 'vscode';
import { attempt, type GatewayAccess } from './gatewayAccess.js';
import { confirmRotate, tokenRotated } from './notices.js';

/** Makes a new unified token after asking: clients that have the old one are refused from then on. */
export function rotateToken(access: GatewayAccess, onRotated: () => void): Promise<void> {
  return attempt(vscode.l10n.t('The token was not replaced'), async () => {
    const client = await access.client();
    if (client === null || !(await confirmRotate())) return;
    const { token } = await client.call('POST /api/endpoint/rotate');
    onRotated();
    if (await tokenRotated()) await vscode.env.clipboard.writeText(token);
  });
}
