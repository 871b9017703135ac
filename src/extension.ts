import * as vscode from 'vscode';
import { addKey } from './vscode/addKey.js';
import { commands, internalCommands } from './vscode/contributions.js';
import { copyEndpoint } from './vscode/copyEndpoint.js';
import { GatewayAccess } from './vscode/gatewayAccess.js';
import { LeaderConnections } from './vscode/leaderConnections.js';
import { createLog } from './vscode/log.js';
import { manageKeys } from './vscode/manageKeys.js';
import { gatewayIsElsewhere, gatewayRestarted } from './vscode/notices.js';
import { SecretStore } from './vscode/secretStore.js';
import { StatusBar } from './vscode/statusBar.js';
import { StatusFeed } from './vscode/statusFeed.js';
import { showStatusMenu } from './vscode/statusMenu.js';
import { Supervision } from './vscode/supervision.js';

/** The only mutable state of a module: VS Code calls `deactivate` with nothing in hand. */
let close: (() => Promise<void>) | undefined;

/** Composition root: constructs and registers; nothing here waits. */
export function activate(context: vscode.ExtensionContext): void {
  const begun = performance.now();
  const { channel, log } = createLog();
  const secrets = new SecretStore(context.secrets, log);
  const supervision = new Supervision(context, secrets, log);
  const { host } = supervision;
  const connections = new LeaderConnections(() => host.endpoint);
  const access = new GatewayAccess(host, connections);
  const statusBar = new StatusBar();
  const feed = new StatusFeed(connections, (input) => statusBar.accept(input), log);
  const restart = async (): Promise<void> => {
    await host.restart();
    const state = await host.settled(10_000);
    if (state.kind === 'running') gatewayRestarted(state.url);
    if (state.kind === 'following') gatewayIsElsewhere(state.url);
  };

  context.subscriptions.push(
    channel,
    supervision,
    statusBar,
    feed,
    connections,
    host.onDidChangeState((state) => feed.follow(state)),
    vscode.commands.registerCommand(commands.addKey, () => addKey(access)),
    vscode.commands.registerCommand(commands.copyEndpoint, () => copyEndpoint(access)),
    vscode.commands.registerCommand(commands.restartGateway, restart),
    vscode.commands.registerCommand(commands.showLog, () => channel.show(true)),
    vscode.commands.registerCommand(internalCommands.showMenu, () => showStatusMenu(statusBar.status)),
    vscode.commands.registerCommand(internalCommands.manageKeys, () => manageKeys(access)),
  );
  close = () => host.dispose();
  supervision.begin();
  log.info('host', `activated in ${Math.round(performance.now() - begun)} ms`);
}

/** VS Code grants a few seconds at best: the gateway is closed within 1.5, or ended. */
export async function deactivate(): Promise<void> {
  await close?.();
}
