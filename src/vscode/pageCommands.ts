import * as vscode from 'vscode';
import { STRATEGIES } from '../protocol/strategyNames.js';
import { addKey, replaceKey } from './addKey.js';
import { copyEndpoint } from './copyEndpoint.js';
import { exportRequests } from './exportRequests.js';
import { attempt, type GatewayAccess } from './gatewayAccess.js';
import type { PageCommands } from './panels/panels.js';
import type { Removals } from './panels/removals.js';
import { writeStrategy } from './settings.js';

export interface PageCommandContext {
  access: GatewayAccess;
  removals: Removals;
  restart(): unknown;
  showLog(): unknown;
  rotateToken(): unknown;
}

/** What the pages ask the editor side for. */
export function pageCommands({ access, removals, restart, showLog, rotateToken }: PageCommandContext): PageCommands {
  const of = (run: (id: string) => unknown) => (id?: string) => (id === undefined ? undefined : run(id));
  return {
    addKey: (provider) => addKey(access, provider),
    replaceKey: of((id) => replaceKey(access, id)),
    removeKey: of((id) => removals.begin(id)),
    undoRemoveKey: of((id) => removals.undo(id)),
    copyEndpoint: () => copyEndpoint(access),
    rotateToken,
    setStrategy: (name) =>
      attempt(vscode.l10n.t('The strategy was not saved'), () =>
        writeStrategy(STRATEGIES.find((strategy) => strategy === name)),
      ),
    restartGateway: restart,
    showLog,
    exportRequests: (request) => exportRequests(access, request),
  };
}

/** Removes a key and its secret for good; what fails is told. */
export function removeKey(access: GatewayAccess, id: string): Promise<void> {
  return attempt(vscode.l10n.t('The key was not removed'), async () => {
    await (await access.client())?.removeKey(id);
  });
}
