import type { KeyCheck } from '../../protocol/keys.js';
import { redact } from '../../protocol/redact.js';
import { parseModelList } from '../catalog/discovery.js';
import { type UpstreamClient, UpstreamError } from '../net/upstream.js';
import type { UpstreamRequest } from '../providers/adapter.js';
import { fillAccountId, joinEndpoint, splitSecret } from '../providers/resolveBaseUrl.js';
import type { CatalogModel, ProviderSpec } from '../providers/spec.js';
import { observationsOfProbe, type QuotaObservation } from '../quota/learn.js';
import { classifyResponse } from '../routing/classify.js';

export interface ProbeTarget {
  spec: ProviderSpec;
  /** As configured; `{account_id}` still in it. */
  baseUrl: string;
  secret: string | null;
}

/** What a probe found. */
export interface ProbeResult extends Omit<KeyCheck, 'modelIds'> {
  /** The models, where the probe was the provider's list of them. */
  listed: CatalogModel[] | null;
  /** What the answer told of the account's quota. */
  observations: readonly QuotaObservation[];
}

/** NVIDIA's list takes over 11 s from some regions (facts/providers.md). */
const PROBE_TIMEOUT_MS = 30_000;

/** Asks the provider whether a key is valid, without spending quota. A transport error tells nothing of the key. */
export async function probeKey(
  upstream: UpstreamClient,
  target: ProbeTarget,
  nowMs: number,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const { spec } = target;
  if (spec.probe.kind === 'none') return result('healthy', 'No key needed');
  try {
    if (spec.probe.kind === 'cloudflare') return await probeCloudflare(upstream, target, nowMs, signal);
    const path = spec.probe.kind === 'url' ? spec.probe.url : (spec.modelsPath ?? '/models');
    const answer = await upstream.fetchText(getRequest(target, path), PROBE_TIMEOUT_MS, signal);
    if (spec.probe.kind === 'url') {
      if (spec.probe.valid.includes(answer.status)) {
        const observations = observationsOfProbe(spec.id, answer.body);
        return { ...result('healthy', 'The provider accepts the key'), observations };
      }
    } else if (answer.status === 200) {
      const listed = parseModelList(spec, answer.body);
      // ModelScope lists its models to anyone: 200 says nothing of the key.
      if (spec.probe.kind === 'chat')
        return { ...result('inconclusive', 'This provider tells only at the first request'), listed };
      return { ...result('healthy', 'The provider accepts the key'), models: listed.length, listed };
    }
    return judge(target, answer, nowMs);
  } catch (error) {
    const words = redact(error instanceof Error ? error.message : String(error));
    return result(
      'inconclusive',
      error instanceof UpstreamError ? `${spec.name} could not be reached (${words})` : words,
    );
  }
}

/** `/user/tokens/verify`, and for account-owned tokens the account's own. Source: developers.cloudflare.com/api. */
async function probeCloudflare(
  upstream: UpstreamClient,
  target: ProbeTarget,
  nowMs: number,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const { accountId } = splitSecret(target.secret ?? '');
  const root = target.baseUrl.replace(/\/accounts\/.*$/, '');
  const ask = (path: string) => upstream.fetchText(getRequest(target, root + path), PROBE_TIMEOUT_MS, signal);
  let answer = await ask('/user/tokens/verify');
  if (answer.status === 401 || answer.status === 403)
    answer = await ask(`/accounts/${encodeURIComponent(accountId ?? '')}/tokens/verify`);
  if (answer.status === 200 && /"status"\s*:\s*"active"/.test(answer.body)) {
    return result('healthy', 'The token is active');
  }
  return judge(target, answer, nowMs);
}

/** What an unwelcoming answer says of the key: only the provider's own refusal condemns it. */
function judge(
  target: ProbeTarget,
  answer: { status: number; headers: Record<string, string>; body: string },
  nowMs: number,
): ProbeResult {
  if (answer.status === 200)
    return result('inconclusive', 'The provider answered, but did not say whether the key is valid');
  const failure = classifyResponse(answer.status, answer.headers, answer.body, {
    provider: target.spec.id,
    dayBoundary: target.spec.dayBoundary,
    nowMs,
  });
  const words = withoutSecret(failure.message || `HTTP ${answer.status}`, target.secret);
  if (failure.kind === 'auth') return result('invalid', words);
  // Out of quota or credits: the provider knows the key.
  if (['rate_limit', 'daily_quota', 'credit'].includes(failure.kind)) return result('healthy', words);
  return result('inconclusive', words);
}

function getRequest(target: ProbeTarget, path: string): UpstreamRequest {
  const { spec } = target;
  const split = spec.hasAccountId && target.secret !== null ? splitSecret(target.secret) : null;
  const secret = split ? split.token : target.secret;
  const headers: Record<string, string> = { accept: 'application/json', ...spec.headers };
  if (secret !== null && spec.auth === 'google') headers['x-goog-api-key'] = secret;
  else if (secret !== null) headers['authorization'] = `Bearer ${secret}`;
  const base = fillAccountId(target.baseUrl, split?.accountId ?? null);
  return { method: 'GET', url: joinEndpoint(base, pathAt(target, path)), headers, body: null };
}

/** A provider whose base URL was replaced must not be asked at its usual host: below its base if it can be, else its list. */
function pathAt({ spec, baseUrl }: ProbeTarget, path: string): string {
  if (!/^https?:/.test(path) || baseUrl === spec.baseUrl) return path;
  return path.startsWith(`${spec.baseUrl}/`) ? path.slice(spec.baseUrl.length) : '/models';
}

function withoutSecret(text: string, secret: string | null): string {
  return secret ? text.replaceAll(secret, '…') : text;
}

function result(status: KeyCheck['status'], message: string): ProbeResult {
  return { status, message, models: null, listed: null, observations: [] };
}
