import * as vscode from 'vscode';
import type { KeyHealthStatus, KeyView } from '../protocol/keys.js';
import { addKey } from './addKey.js';
import type { AdminClient } from './adminClient.js';
import { attempt, type GatewayAccess, withCancellableProgress } from './gatewayAccess.js';
import { confirmRemoveKey, keyTested } from './notices.js';
import { askText, isValue, pickOne } from './quickInput.js';

interface KeyItem extends vscode.QuickPickItem {
  key?: KeyView;
}

interface ActionItem extends vscode.QuickPickItem {
  run(): Promise<unknown>;
}

/** The list of keys with what can be done to each: test, rename, switch on or off, remove. */
export function manageKeys(access: GatewayAccess): Promise<void> {
  return attempt(vscode.l10n.t('Keys could not be changed'), async () => {
    const client = await access.client();
    if (client === null) return;
    const [keys, providers] = await Promise.all([client.keys(), client.providers()]);
    const names = new Map(providers.map(({ id, name }) => [id, name]));
    const nameOf = (key: KeyView): string => names.get(key.provider) ?? key.provider.replace(/^custom:/, '');
    const items: KeyItem[] = keys.map((key) => ({
      label: `$(${key.enabled ? healthIcon(key.health.status) : 'circle-slash'}) ${nameOf(key)}`,
      description: [key.label, key.mask].filter(Boolean).join(' · '),
      detail: key.enabled ? (key.health.message ?? healthWords(key.health.status)) : vscode.l10n.t('off'),
      key,
    }));
    const choice = await pickOne<KeyItem>({
      title: vscode.l10n.t('Manage Keys'),
      placeholder: keys.length === 0 ? vscode.l10n.t('No keys yet') : vscode.l10n.t('Choose a key'),
      items: [...items, { label: vscode.l10n.t('$(add) Add Key…'), alwaysShow: true }],
    });
    if (!isValue(choice)) return;
    if (choice.key === undefined) return addKey(access);
    await manageOne(client, choice.key, nameOf(choice.key));
  });
}

async function manageOne(client: AdminClient, key: KeyView, provider: string): Promise<void> {
  const name = `${provider} · ${key.label}`;
  const choice = await pickOne<ActionItem>({
    title: name,
    placeholder: key.health.message ?? healthWords(key.health.status),
    items: [
      { label: vscode.l10n.t('$(beaker) Test'), run: () => test(client, key, name, provider) },
      key.enabled
        ? {
            label: vscode.l10n.t('$(circle-slash) Switch Off'),
            run: () => client.changeKey(key.id, { enabled: false }),
          }
        : { label: vscode.l10n.t('$(check) Switch On'), run: () => client.changeKey(key.id, { enabled: true }) },
      { label: vscode.l10n.t('$(edit) Rename…'), run: () => rename(client, key, name) },
      { label: vscode.l10n.t('$(trash) Remove…'), run: () => remove(client, key, provider) },
    ],
  });
  if (isValue(choice)) await choice.run();
}

async function test(client: AdminClient, key: KeyView, name: string, provider: string): Promise<void> {
  const found = await withCancellableProgress(vscode.l10n.t('Checking the key with {0}…', provider), null, (signal) =>
    client.testKey(key.id, signal),
  );
  keyTested(name, found.status === 'healthy', found.message || found.status);
}

async function rename(client: AdminClient, key: KeyView, title: string): Promise<void> {
  const label = await askText({
    title,
    step: 1,
    totalSteps: 1,
    prompt: vscode.l10n.t('A name for this key, to tell it from others'),
    value: key.label,
    validate: (value) => (value === '' ? vscode.l10n.t('Give the key a name') : null),
  });
  if (isValue(label)) await client.changeKey(key.id, { label });
}

async function remove(client: AdminClient, key: KeyView, provider: string): Promise<void> {
  if (await confirmRemoveKey(provider, key.label)) await client.removeKey(key.id);
}

function healthIcon(status: KeyHealthStatus): string {
  const icons = {
    healthy: 'pass',
    rate_limited: 'clock',
    invalid: 'error',
    error: 'warning',
    unknown: 'circle-outline',
  };
  return icons[status];
}

function healthWords(status: KeyHealthStatus): string {
  switch (status) {
    case 'healthy':
      return vscode.l10n.t('healthy');
    case 'rate_limited':
      return vscode.l10n.t('rate-limited');
    case 'invalid':
      return vscode.l10n.t('invalid');
    case 'error':
      return vscode.l10n.t('error');
    case 'unknown':
      return vscode.l10n.t('not checked yet');
  }
}
