import type { ChainView } from '../protocol/chain.js';
import type { GatewayState, QuotaUse } from '../protocol/events.js';
import type { CooldownView } from '../protocol/keyGroups.js';
import type { KeyView } from '../protocol/keys.js';
import { redact } from '../protocol/redact.js';
import { isLoopback } from './settingValues.js';

/** What of the gateway could be read; null where it could not. */
export interface GatewayFacts {
  state: GatewayState | null;
  keys: readonly KeyView[] | null;
  quota: readonly QuotaUse[] | null;
  cooldowns: readonly CooldownView[] | null;
  chain: ChainView | null;
  /** In force. */
  settings: Record<string, unknown> | null;
}

export interface DiagnosisFacts extends GatewayFacts {
  /** ms since the epoch. */
  at: number;
  /** Name to version: extension, editor, Node, system. */
  versions: Record<string, string>;
  /** How this window stands to the gateway. */
  host: Record<string, unknown>;
  /** As the user wrote them in the editor. */
  settingsAsSet: Record<string, unknown>;
  recentLines: readonly string[];
}

/** What must not be in it, wherever it stands. */
export interface Private {
  secrets: readonly string[];
  labels: readonly string[];
  /** Host names of own endpoints. */
  addresses: readonly string[];
  home: string;
}

const LONGEST_LIST = 200;

/**
 * What a bug report needs, as Markdown with one block of JSON. In it are no secret, label, prompt, answer, name of an own
 * endpoint or address of it, nor the words of a provider, which may name an account: kinds and numbers only.
 */
export function diagnosis(facts: DiagnosisFacts, hidden: Private): string {
  const alias = customAliases(facts);
  const details = {
    versions: facts.versions,
    window: facts.host,
    gateway: facts.state && stateFacts(facts.state),
    settings: { inForce: facts.settings, setInTheEditor: facts.settingsAsSet },
    keys: facts.keys?.map(({ id, provider, enabled, health, limits, models, isFixed }) => ({
      ...{ id, provider, enabled, health: health.status, checkedAt: time(health.checkedAt) },
      ...{ limits, models: models?.length ?? 'all', isFixed },
    })),
    cooldowns: facts.cooldowns?.slice(0, LONGEST_LIST).map(({ scope, provider, model, keyId, kind, until, state }) => ({
      scope,
      provider,
      model,
      keyId,
      kind,
      state,
      until: time(until),
    })),
    quotas: facts.quota?.slice(0, LONGEST_LIST).map((window) => {
      const { kind, provider, model, keyId, used, limit, source } = window;
      return { kind, provider, model, keyId, used, limit, source, resetsAt: time(window.resetsAt) };
    }),
    chain: facts.chain && {
      strategy: facts.chain.strategy,
      models: facts.chain.data.length,
      first: facts.chain.data.slice(0, 20).map(({ model, enabled, available }) => ({ model, enabled, available })),
    },
  };
  const json = JSON.stringify(details, null, 2);
  const lines = facts.recentLines.length === 0 ? ['(none)'] : facts.recentLines;
  const document = [
    '# FreeLLM diagnosis',
    '',
    `Made ${time(facts.at)}. Without keys, tokens, labels, prompts and answers; read it before you share it.`,
    '',
    '```json',
    json,
    '```',
    '',
    'Last warnings and errors of the log:',
    '',
    '```text',
    ...lines.map((line) => withoutLabels(line, hidden.labels).replaceAll('```', "'''")),
    '```',
    '',
  ].join('\n');
  return hide(document, hidden, alias);
}

function stateFacts({ version, uptimeMs, counts, canAnswer, reason, demo, ledger, lastRequest }: GatewayState) {
  const outcome = lastRequest?.outcome;
  const last = outcome && {
    ...{ at: time(lastRequest?.at ?? null), status: outcome.status, httpStatus: outcome.httpStatus },
    ...{ provider: outcome.provider, model: outcome.model, firstTokenMs: outcome.firstTokenMs },
    ...{ totalMs: outcome.totalMs, fallbacks: outcome.fallbacks, errorCode: outcome.errorCode },
  };
  return { version, uptimeMs, counts, canAnswer, reason, demo, ledger, lastRequest: last ?? null };
}

/** Own endpoints have names that the user gave: `custom:1`, `custom:2`, … stand for them. */
function customAliases({ keys, chain, quota, cooldowns, state }: DiagnosisFacts): Map<string, string> {
  const last = state?.lastRequest?.outcome;
  const ids = [...(keys ?? []), ...(chain?.data ?? []), ...(quota ?? []), ...(cooldowns ?? [])].map(
    ({ provider }) => provider,
  );
  ids.push(last?.provider ?? '', ...(last?.fallbacks.map(({ provider }) => provider) ?? []));
  const custom = [...new Set(ids)].filter((id) => id.startsWith('custom:')).sort();
  return new Map(custom.map((id, at) => [id, `custom:${at + 1}`]));
}

/** Longest first: one may be the beginning of another. */
function hide(text: string, { secrets, addresses, home }: Private, alias: ReadonlyMap<string, string>): string {
  const swaps: [string, string][] = [
    ...secrets.filter((secret) => secret !== '').map((secret): [string, string] => [secret, '[redacted]']),
    ...addresses.filter((host) => !isLoopback(host)).map((host): [string, string] => [host, '[own endpoint]']),
    ...alias,
    ...(home.length > 1 ? [[home, '~'] as [string, string]] : []),
  ];
  const inOrder = swaps.sort(([a], [b]) => b.length - a.length);
  const clean = inOrder.reduce((rest, [what, by]) => rest.replaceAll(what, by).replaceAll(inJson(what), by), text);
  // After the secrets that are known: of those it might take a part and leave another.
  return redact(clean);
}

/** Only whole words of the log: a key may be called `main`, and nowhere else are labels. */
function withoutLabels(line: string, labels: readonly string[]): string {
  const inOrder = labels.filter((label) => label !== '').sort((a, b) => b.length - a.length);
  return inOrder.reduce((clean, label) => {
    const word = label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return clean.replace(new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, 'gu'), '[label]');
  }, line);
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
