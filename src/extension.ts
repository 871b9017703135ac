import * as vscode from 'vscode';
import { addKey } from './vscode/addKey.js';
import { askOnce, tryDemo } from './vscode/askOnce.js';
import { commands, internalCommands } from './vscode/contributions.js';
import { copyEndpoint } from './vscode/copyEndpoint.js';
import { diagnose } from './vscode/diagnose.js';
import { GatewayAccess } from './vscode/gatewayAccess.js';
import { LeaderConnections } from './vscode/leaderConnections.js';
import { createLog } from './vscode/log.js';
import { gatewayIsElsewhere, gatewayRestarted } from './vscode/notices.js';
import { pageCommands, removeKey } from './vscode/pageCommands.js';
import { Panels } from './vscode/panels/panels.js';
import { Removals } from './vscode/panels/removals.js';
import { rotateToken } from './vscode/rotateToken.js';
import { SecretStore } from './vscode/secretStore.js';
import { showStatusMenu } from './vscode/statusMenu.js';
import { Supervision } from './vscode/supervision.js';
import { Surroundings } from './vscode/surroundings.js';
import { testKeys } from './vscode/testKeys.js';

/** The only mutable state of a module: VS Code calls `deactivate` with nothing in hand. */
let close: (() => Promise<void>) | undefined;

/** Composition root: constructs and registers; nothing here waits. */
export function activate(context: vscode.ExtensionContext): void {
  const begun = performance.now();
  const { channel, log, recent, watching } = createLog();
  const secrets = new SecretStore(context.secrets, log);
  const supervision = new Supervision(context, secrets, log);
  const { host } = supervision;
  const connections = new LeaderConnections(() => host.endpoint);
  const access = new GatewayAccess(host, connections);
  const around = new Surroundings(connections, log);
  const restart = async (): Promise<void> => {
    await host.restart();
    const state = await host.settled(10_000);
    if (state.kind === 'running') gatewayRestarted(state.url);
    if (state.kind === 'following') gatewayIsElsewhere(state.url);
  };
  const removals = new Removals({
    remove: (id) => removeKey(access, id),
    onChange: (removing) => panels.removalsChanged(removing),
  });
  const deeds = pageCommands({
    access,
    removals,
    restart,
    showLog: () => channel.show(true),
    rotateToken: () => rotateToken(access, () => panels.endpointChanged()),
  });
  const panels: Panels = new Panels(
    context.extensionUri,
    context.globalStorageUri,
    context.globalState,
    host,
    connections,
    deeds,
    log,
  );

  context.subscriptions.push(
    channel,
    supervision,
    around,
    connections,
    panels,
    removals,
    watching,
    host.onDidChangeState((state) => around.follow(state)),
    vscode.commands.registerCommand(commands.addKey, () => addKey(access)),
    vscode.commands.registerCommand(commands.openKeys, () => {
      around.quotasOpened();
      return panels.show('keys');
    }),
    vscode.commands.registerCommand(commands.openChain, () => panels.show('chain')),
    vscode.commands.registerCommand(commands.openPlayground, () => panels.show('playground')),
    vscode.commands.registerCommand(commands.openAnalytics, () => panels.show('analytics')),
    vscode.commands.registerCommand(commands.copyEndpoint, () => copyEndpoint(access)),
    vscode.commands.registerCommand(commands.testKeys, () => testKeys(access, log)),
    vscode.commands.registerCommand(commands.restartGateway, restart),
    vscode.commands.registerCommand(commands.diagnose, () =>
      diagnose({ version: String(context.extension.packageJSON.version), host, connections, secrets, recent, log }),
    ),
    vscode.commands.registerCommand(commands.showLog, () => channel.show(true)),
    vscode.commands.registerCommand(internalCommands.tryDemo, () => tryDemo(access)),
    vscode.commands.registerCommand(internalCommands.askOnce, () => askOnce(access)),
    vscode.commands.registerCommand(internalCommands.showMenu, () => showStatusMenu(around.status)),
  );
  close = () => host.dispose();
  supervision.begin();
  log.info('host', `activated in ${Math.round(performance.now() - begun)} ms`);
}

/** VS Code grants a few seconds at best: the gateway is closed within 1.5, or ended. */
export async function deactivate(): Promise<void> {
  await close?.();
}
