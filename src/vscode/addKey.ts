import * as vscode from 'vscode';
import type { NewKey } from '../protocol/api.js';
import type { ProviderView } from '../protocol/provider.js';
import { askCustomEndpoint } from './addCustomEndpoint.js';
import type { AdminClient } from './adminClient.js';
import { commands } from './contributions.js';
import { attempt, type GatewayAccess } from './gatewayAccess.js';
import { checkLive, pickDoubt } from './keyCheck.js';
import { cleanKey, fitsShape, literalPrefix, recogniseKey } from './keyShapes.js';
import { keyAdded } from './notices.js';
import { askText, back, type Complaint, cancelled, isValue, pickOne, type Way } from './quickInput.js';

interface ProviderItem extends vscode.QuickPickItem {
  provider?: ProviderView;
  isCustom?: boolean;
  /** Set when the key was pasted into the picker. */
  pasted?: string;
}

/**
 * FreeLLM: Add Key. Steps with Back: provider → (account id) → key and its check → label → stored.
 * @param known id of a provider that was chosen elsewhere, or `custom` for an endpoint of the user's own
 */
export function addKey(access: GatewayAccess, known?: string): Promise<void> {
  return attempt(vscode.l10n.t('The key was not added'), async () => {
    const client = await access.client();
    if (client === null) return;
    const providers = await client.providers();
    let given = known === undefined ? undefined : chosenAlready(known, providers);
    for (;;) {
      const choice = given ?? (await pickProvider(providers));
      given = undefined;
      if (!isValue(choice)) return;
      const added = await addTo(client, choice, providers);
      if (added === back) continue;
      if (isValue(added) && (await keyAdded(added.name, added.models))) {
        await vscode.commands.executeCommand(commands.copyEndpoint);
      }
      return;
    }
  });
}

function chosenAlready(id: string, providers: readonly ProviderView[]): ProviderItem | undefined {
  if (id === 'custom') return { label: id, isCustom: true };
  const provider = providers.find((candidate) => candidate.id === id);
  return provider && { label: provider.name, provider };
}

interface Added {
  name: string;
  models: number | null;
}

async function addTo(client: AdminClient, choice: ProviderItem, all: readonly ProviderView[]): Promise<Way<Added>> {
  if (choice.isCustom === true || choice.provider === undefined) {
    const endpoint = await askCustomEndpoint(client);
    if (!isValue(endpoint)) return endpoint;
    await client.addKey(endpoint.key);
    const id = endpoint.key.provider;
    return { name: id.replace(/^custom:/, ''), models: await modelsOf(client, id, endpoint.models) };
  }
  const { provider } = choice;
  const key = provider.isKeyless ? { provider: provider.id } : await askKey(client, provider, choice.pasted, all);
  if (!isValue(key)) return key;
  await client.addKey(key);
  return { name: provider.name, models: await modelsOf(client, provider.id, null) };
}

/** How many models the chain has from this provider, or else how many the check saw; null if nobody can tell. */
async function modelsOf(client: AdminClient, id: string, seen: number | null): Promise<number | null> {
  const provider = (await client.providers()).find((candidate) => candidate.id === id);
  return provider?.models || seen || null;
}

import { tableText } from './tableText.js';

const openKeyPage: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('link-external'),
  tooltip: vscode.l10n.t('Get a free key'),
};

function pickProvider(providers: readonly ProviderView[]): Promise<Way<ProviderItem>> {
  let pasted: string | undefined;
  const items = providerItems(providers);
  return pickOne<ProviderItem>({
    title: vscode.l10n.t('Add Key'),
    step: 1,
    totalSteps: 3,
    placeholder: vscode.l10n.t('Choose a provider, or paste a key'),
    items,
    onItemButton: ({ provider }) => openKeyUrl(provider),
    onValue: (value, pick, accept) => {
      const found = recogniseKey(value, providers);
      if (found === null) return;
      // The key must not stay readable: it goes on hidden, at once.
      pick.value = '';
      if (found.kind === 'one')
        return accept({ label: found.provider.name, provider: found.provider, pasted: found.key });
      pasted = found.key;
      const fitting = found.providers.length > 0 ? found.providers : providers.filter((each) => !each.isKeyless);
      pick.items = providerItems(fitting).map((item) =>
        item.isCustom === true ? item : { ...item, pasted: found.key },
      );
      pick.placeholder = vscode.l10n.t('Which provider is this key for?');
    },
  }).then((item) => (isValue(item) && pasted !== undefined ? { ...item, pasted } : item));
}

function providerItems(providers: readonly ProviderView[]): ProviderItem[] {
  const visible = providers.filter((provider) => provider.id !== 'demo' && !provider.id.startsWith('custom:'));
  const item = (provider: ProviderView): ProviderItem => ({
    label: provider.name,
    description: keysWords(provider),
    detail: tableText(provider.offers),
    provider,
    buttons: provider.keyUrl === null ? [] : [openKeyPage],
  });
  const separator = (label: string): ProviderItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const keyless = visible.filter((provider) => provider.isKeyless);
  return [
    separator(vscode.l10n.t('with a free key')),
    ...visible.filter((provider) => !provider.isKeyless).map(item),
    ...(keyless.length > 0 ? [separator(vscode.l10n.t('no key needed')), ...keyless.map(item)] : []),
    separator(vscode.l10n.t('your own')),
    {
      label: vscode.l10n.t('Custom endpoint…'),
      detail: vscode.l10n.t('Any server that speaks OpenAI: Ollama, LM Studio, vLLM, a company gateway'),
      isCustom: true,
      alwaysShow: true,
    },
  ];
}

function keysWords(provider: ProviderView): string {
  const words: string[] = [];
  if (provider.isKeyless) words.push(provider.keys > 0 ? vscode.l10n.t('$(check) on') : vscode.l10n.t('no key needed'));
  else if (provider.keys === 1) words.push(vscode.l10n.t('$(check) 1 key'));
  else if (provider.keys > 1) words.push(vscode.l10n.t('$(check) {0} keys', provider.keys));
  if (provider.models === 1) words.push(vscode.l10n.t('1 model'));
  else if (provider.models > 1) words.push(vscode.l10n.t('{0} models', provider.models));
  return words.join(' · ');
}

function openKeyUrl(provider: ProviderView | undefined): void {
  if (provider?.keyUrl) void vscode.env.openExternal(vscode.Uri.parse(provider.keyUrl, true));
}

/** The steps after the provider. Resolves with what to store. */
async function askKey(
  client: AdminClient,
  provider: ProviderView,
  pasted: string | undefined,
  all: readonly ProviderView[],
): Promise<Way<NewKey>> {
  const totalSteps = provider.hasAccountId ? 4 : 3;
  const title = vscode.l10n.t('Add Key: {0}', provider.name);
  let accountId = '';
  let secret = pasted ?? '';
  let at: 'account' | 'key' | 'label' = provider.hasAccountId ? 'account' : 'key';
  for (;;) {
    if (at === 'account') {
      const answer = await askAccountId(title, totalSteps, accountId);
      if (!isValue(answer)) return answer;
      accountId = answer.toLowerCase();
      at = 'key';
    } else if (at === 'key') {
      const prefix = provider.hasAccountId ? `${accountId}:` : '';
      const answer = await askSecret(client, {
        provider,
        prefix,
        title,
        step: totalSteps - 1,
        totalSteps,
        value: secret,
        all,
      });
      if (answer === cancelled) return cancelled;
      if (answer === back && !provider.hasAccountId) return back;
      at = answer === back ? 'account' : 'label';
      if (isValue(answer)) secret = answer;
    } else {
      const label = await askText({
        title,
        step: totalSteps,
        totalSteps,
        prompt: vscode.l10n.t('A name for this key, to tell it from others'),
        value: provider.keys === 0 ? 'main' : `key ${provider.keys + 1}`,
        validate: (value) => (value === '' ? vscode.l10n.t('Give the key a name') : null),
      });
      if (label === cancelled) return cancelled;
      if (isValue(label)) {
        return { provider: provider.id, key: (provider.hasAccountId ? `${accountId}:` : '') + secret, label };
      }
      at = 'key';
    }
  }
}

function askAccountId(title: string, totalSteps: number, value: string, step = 2): Promise<Way<string>> {
  return askText({
    title,
    step,
    totalSteps,
    value,
    prompt: vscode.l10n.t('Account id: 32 hexadecimal digits, in the address of your dashboard'),
    validate: (id) => (/^[0-9a-f]{32}$/i.test(id) ? null : vscode.l10n.t('An account id has 32 hexadecimal digits')),
  });
}

interface SecretStep {
  provider: ProviderView;
  /** `account id:` for Cloudflare, else empty. */
  prefix: string;
  title: string;
  step: number;
  totalSteps: number;
  value: string;
  all: readonly ProviderView[];
}

/** Replaces the secret of a key: the same steps as for a new one, its label and limits stay. */
export function replaceKey(access: GatewayAccess, id: string): Promise<void> {
  return attempt(vscode.l10n.t('The key was not replaced'), async () => {
    const client = await access.client();
    if (client === null) return;
    const [providers, keys] = await Promise.all([client.providers(), client.keys()]);
    const key = keys.find((candidate) => candidate.id === id);
    const provider = providers.find((candidate) => candidate.id === key?.provider);
    if (key === undefined || provider === undefined) return;
    const title = vscode.l10n.t('Replace Key: {0} · {1}', provider.name, key.label);
    const accountId = provider.hasAccountId ? await askAccountId(title, 2, '', 1) : '';
    if (!isValue(accountId)) return;
    const prefix = provider.hasAccountId ? `${accountId.toLowerCase()}:` : '';
    const totalSteps = provider.hasAccountId ? 2 : 1;
    const secret = await askSecret(client, {
      provider,
      prefix,
      title,
      step: totalSteps,
      totalSteps,
      value: '',
      all: providers,
    });
    if (isValue(secret)) await client.changeKey(id, { key: prefix + secret });
  });
}

/** Hidden input, then the live check: an invalid key stays in the box with the provider's words under it. */
async function askSecret(client: AdminClient, step: SecretStep): Promise<Way<string>> {
  const { provider } = step;
  let value = step.value;
  for (;;) {
    let doubt: string | null = null;
    const answer = await askText({
      title: step.title,
      step: step.step,
      totalSteps: step.totalSteps,
      value,
      isSecret: true,
      prompt: value
        ? vscode.l10n.t('A key of {0}; it is checked next.', provider.name)
        : vscode.l10n.t('Paste the key. It stays in VS Code’s secret storage.'),
      ...(provider.terms
        ? {
            placeholder: vscode.l10n.t(
              'Terms as read in {0}: {1}',
              provider.terms.asOf,
              tableText(provider.terms.note),
            ),
          }
        : {}),
      buttons: provider.keyUrl === null ? [] : [openKeyPage],
      onButton: () => openKeyUrl(provider),
      validate: (text) => shapeComplaint(cleanKey(text), provider, step.all),
      onAccept: async (text, signal) => {
        const found = await checkLive(
          client,
          {
            provider: provider.id,
            key: step.prefix + cleanKey(text),
            // Where one of the user's own is, only its key knows.
            ...(provider.id.startsWith('custom:') ? { baseUrl: provider.baseUrl } : {}),
          },
          signal,
          provider,
        );
        if (found.status === 'invalid') return found.message;
        if (found.status === 'inconclusive') doubt = found.message;
        return null;
      },
    });
    if (!isValue(answer)) return answer;
    const key = cleanKey(answer);
    if (doubt === null) return key;
    const choice = await pickDoubt(step.title, doubt);
    if (choice === 'save') return key;
    if (choice === cancelled) return cancelled;
    value = key;
  }
}

/** Shapes are hints: what does not fit is said, never refused. */
function shapeComplaint(key: string, provider: ProviderView, all: readonly ProviderView[]): Complaint {
  if (key === '') return vscode.l10n.t('Paste a key');
  if (/\s/.test(key)) return vscode.l10n.t('A key has no spaces');
  if (provider.keyPattern === null || fitsShape(key, provider) || key.length < 8) return null;
  const other = recogniseKey(key, all);
  const warn = (message: string): Complaint => ({ message, severity: vscode.InputBoxValidationSeverity.Warning });
  if (other?.kind === 'one' && other.provider.id !== provider.id) {
    return warn(vscode.l10n.t('This looks like a key of {0}', other.provider.name));
  }
  const prefix = literalPrefix(provider.keyPattern);
  return prefix === ''
    ? warn(vscode.l10n.t('Keys of {0} usually look different', provider.name))
    : warn(vscode.l10n.t('Keys of {0} usually start with {1}', provider.name, prefix));
}
