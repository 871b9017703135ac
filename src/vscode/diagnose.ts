import os from 'node:os';
import * as vscode from 'vscode';
import { type AdminClient, clientOf } from './adminClient.js';
import { settings } from './contributions.js';
import { type DiagnosisFacts, diagnosis, type GatewayFacts, type Private } from './diagnosis.js';
import { attempt } from './gatewayAccess.js';
import { type GatewayHost, isUp } from './gatewayHost.js';
import type { LeaderConnections } from './leaderConnections.js';
import { describeError, type Logger } from './logger.js';
import type { RecentLines } from './recentLines.js';
import type { SecretStore } from './secretStore.js';
import { settingsAsSet } from './settings.js';
import { isLoopback } from './settingValues.js';

export interface DiagnoseSources {
  /** Of the extension. */
  version: string;
  host: GatewayHost;
  connections: LeaderConnections;
  secrets: SecretStore;
  recent: RecentLines;
  log: Logger;
}

/** FreeLLM: Diagnose. Opens what a bug report needs as an unsaved document; works with and without a gateway. */
export function diagnose(sources: DiagnoseSources): Promise<void> {
  return attempt(vscode.l10n.t('The diagnosis could not be made'), async () => {
    const gateway = await readGateway(clientOf(sources.connections), sources.log);
    const content = diagnosis(factsOf(sources, gateway), await readPrivate(sources, gateway));
    const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
    await vscode.window.showTextDocument(document);
  });
}

function factsOf({ version, host, recent }: DiagnoseSources, gateway: GatewayFacts): DiagnosisFacts {
  const { state } = host;
  const asSet = settingsAsSet();
  const boundTo = asSet[settings.host.id];
  return {
    ...gateway,
    at: Date.now(),
    versions: {
      freellm: version,
      editor: `${vscode.env.appName} ${vscode.version}`,
      node: process.versions.node,
      system: `${os.platform()} ${os.release()} ${os.arch()}`,
      language: vscode.env.language,
    },
    host: {
      ...state,
      ...(isUp(state) ? { url: undefined, isLeader: state.kind === 'running' } : {}),
      // `ssh-remote`, `wsl`, …; a server in the browser tells its address instead.
      remote: vscode.env.remoteName?.replace(/^.*[^a-z-].*$/, '(server)') ?? null,
      side: vscode.env.uiKind === vscode.UIKind.Web ? 'browser' : 'desktop',
      hasProxy: Boolean(vscode.workspace.getConfiguration('http').get('proxy')),
    },
    settingsAsSet: {
      ...asSet,
      // An address of the user's network is nobody else's business.
      ...(typeof boundTo === 'string' && !isLoopback(boundTo) ? { [settings.host.id]: '(not loopback)' } : {}),
    },
    recentLines: recent.all(),
  };
}

async function readGateway(client: AdminClient | null, log: Logger): Promise<GatewayFacts> {
  const read = async <T>(job: (client: AdminClient) => Promise<T>): Promise<T | null> => {
    if (client === null) return null;
    try {
      return await job(client);
    } catch (error) {
      log.warn('diagnose', `a part could not be read: ${describeError(error)}`);
      return null;
    }
  };
  const [state, keys, quota, cooldowns, chain, inForce] = await Promise.all([
    read((each) => each.state()),
    read((each) => each.keys()),
    read(async (each) => (await each.call('GET /api/quota')).data),
    read(async (each) => (await each.call('GET /api/cooldowns')).data),
    read((each) => each.call('GET /api/chain', {})),
    read((each) => each.call('GET /api/settings')),
  ]);
  return { state, keys, quota, cooldowns, chain, settings: inForce };
}

/** What must not be in it, whatever it looks like: an own endpoint's key has no shape that could be known. */
async function readPrivate({ secrets, log }: DiagnoseSources, { keys }: GatewayFacts): Promise<Private> {
  const stored = await secrets.readPrivate().catch((error: unknown) => {
    log.warn('diagnose', `the keys could not be read: ${describeError(error)}`);
    return { secrets: [], labels: [], baseUrls: [] };
  });
  return {
    secrets: stored.secrets,
    labels: [...stored.labels, ...(keys ?? []).map(({ label }) => label)],
    addresses: stored.baseUrls.flatMap((url) => (URL.canParse(url) ? [new URL(url).hostname] : [])),
    home: os.homedir(),
  };
}
