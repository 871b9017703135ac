import { type ApiEndpoint, type ApiEndpointName, apiEndpoints } from '../../protocol/api.js';
import { ApiError, type ApiRequest, type TextTransport } from '../../protocol/apiClient.js';
import type { ToPage } from '../../protocol/pages.js';

/** What pages may call. An endpoint that answers or takes a secret is none of theirs, so each is named. */
const OPEN: readonly ApiEndpointName[] = [
  'getState',
  'listProviders',
  'listKeys',
  'addKey',
  'changeKey',
  'removeKey',
  'testKey',
  'getKeyActivity',
  'getSettings',
  'putSettings',
  'getChain',
  'putChain',
  'listProfiles',
  'putProfile',
  'removeProfile',
  'getQuota',
  'resetQuota',
  'listCooldowns',
  'clearCooldown',
  'getAnalytics',
  'listRequests',
  'getRequest',
];

/** Why a call of a page is not forwarded. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
}

interface Route {
  endpoint: ApiEndpoint;
  path: RegExp;
}

/** The open endpoints by method. `{id}` and `{name}` are one encoded segment. */
function routesOf(names: readonly ApiEndpointName[]): Map<string, Route[]> {
  const routes = new Map<string, Route[]>();
  for (const name of names) {
    const endpoint: ApiEndpoint = apiEndpoints[name];
    const pattern = endpoint.path.replaceAll('.', '\\.').replace(/\{\w+\}/, "[A-Za-z0-9_.~%!*'()-]{1,900}");
    const path = new RegExp(`^${pattern}$`);
    routes.set(endpoint.method, [...(routes.get(endpoint.method) ?? []), { endpoint, path }]);
  }
  return routes;
}

/**
 * Lets a page's calls through to the gateway: those of the table that are open to pages, in the shapes of the table, and
 * without secrets.
 */
export class Tunnel {
  private readonly routes = routesOf(OPEN);
  private readonly running = new Map<number, AbortController>();

  constructor(
    /** Null where no gateway is known. Carries the credential, which the page never sees. */
    private readonly transport: () => TextTransport | null,
    private readonly post: (message: ToPage) => void,
  ) {}

  /** Answers by `post`, whatever becomes of the call; after `cancel` and `dispose` not at all. */
  async call(id: number, request: ApiRequest): Promise<void> {
    const abort = new AbortController();
    this.running.get(id)?.abort();
    this.running.set(id, abort);
    const answer = await this.answer(id, request, abort.signal);
    if (abort.signal.aborted) return;
    this.running.delete(id);
    this.post(answer);
  }

  /** Whether it would be forwarded. */
  isOpen(request: ApiRequest): boolean {
    try {
      this.check(request);
      return true;
    } catch {
      return false;
    }
  }

  cancel(id: number): void {
    this.running.get(id)?.abort();
    this.running.delete(id);
  }

  dispose(): void {
    for (const id of [...this.running.keys()]) this.cancel(id);
  }

  private async answer(id: number, request: ApiRequest, signal: AbortSignal): Promise<ToPage> {
    try {
      const checked = this.check(request);
      const transport = this.transport();
      if (transport === null) throw new ApiError('unreachable', 'There is no gateway');
      return { type: 'answer', id, ok: true, json: await transport(checked, signal) };
    } catch (error) {
      const { kind, status, code } = error instanceof ApiError ? error : new ApiError('rejected', '');
      const message = error instanceof Error ? error.message : String(error);
      return { type: 'answer', id, ok: false, error: { kind, message, status, code } };
    }
  }

  /** @throws TunnelError where the table does not have it so. */
  private check({ method, path, body }: ApiRequest): ApiRequest {
    const [place = '', query = ''] = splitOnce(path, '?');
    const endpoint = this.routes.get(method)?.find((route) => route.path.test(place))?.endpoint;
    // A segment of dots would be taken away on the way.
    if (endpoint === undefined || place.split('/').some((segment) => /^(?:\.|%2e)+$/i.test(segment))) {
      throw new TunnelError('Pages have no such call');
    }
    if (query !== '' && !endpoint.query?.safeParse(Object.fromEntries(new URLSearchParams(query))).success) {
      throw new TunnelError('The query is not what this call takes');
    }
    if (endpoint.input === undefined) {
      if (body !== undefined) throw new TunnelError('This call takes no body');
      return { method, path };
    }
    const parsed = endpoint.input.safeParse(body);
    if (!parsed.success)
      throw new TunnelError(parsed.error.issues[0]?.message ?? 'The body is not what this call takes');
    if (hasSecret(body)) throw new TunnelError('Keys are typed into the editor, not into a page');
    return { method, path, body };
  }
}

function hasSecret(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'key' in body;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
