import * as vscode from 'vscode';
import type { KeyView } from '../protocol/keys.js';
import type { AdminClient } from './adminClient.js';
import { commands } from './contributions.js';
import { attempt, type GatewayAccess } from './gatewayAccess.js';
import { describeError, type Logger } from './logger.js';
import { keysTested, noKeysToTest } from './notices.js';

/** Providers wait long before they answer; more at once than this helps nobody. */
const AT_ONCE = 4;

export interface KeyTests {
  healthy: number;
  /** Refused by their provider. */
  invalid: number;
  /** Nobody can say: the provider did not answer, or not to the point. */
  inconclusive: number;
}

/** FreeLLM: Test All Keys. Each provider is asked about each key that is in use; costs no quota. */
export function testKeys(access: GatewayAccess, log: Logger): Promise<void> {
  return attempt(vscode.l10n.t('The keys were not tested'), async () => {
    const client = await access.client();
    if (client === null) return;
    const keys = (await client.keys()).filter(({ enabled }) => enabled);
    if (keys.length === 0) return noKeysToTest();
    const { found, isWhole } = await withProgress(client, keys, log);
    if (isWhole && (await keysTested(found))) await vscode.commands.executeCommand(commands.openKeys);
  });
}

function withProgress(client: AdminClient, keys: readonly KeyView[], log: Logger) {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Testing keys'), cancellable: true },
    async (progress, token) => {
      const cancel = new AbortController();
      token.onCancellationRequested(() => cancel.abort(new vscode.CancellationError()));
      const found = await testEach(client, keys, cancel.signal, log, (done) =>
        progress.report({
          increment: 100 / keys.length,
          message: vscode.l10n.t('{0} of {1}', done, keys.length),
        }),
      );
      return { found, isWhole: !cancel.signal.aborted };
    },
  );
}

async function testEach(
  client: AdminClient,
  keys: readonly KeyView[],
  signal: AbortSignal,
  log: Logger,
  onDone: (done: number) => void,
): Promise<KeyTests> {
  const found: KeyTests = { healthy: 0, invalid: 0, inconclusive: 0 };
  const waiting = [...keys];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined && !signal.aborted; key = waiting.shift()) {
      try {
        found[(await client.testKey(key.id, signal)).status] += 1;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('keys', `key ${key.id} could not be tested: ${describeError(error)}`);
        found.inconclusive += 1;
      }
      done += 1;
      onDone(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}
