import type * as z from 'zod';
// Types only: a page must not carry the schemas, nor the library that reads them.
import type { ApiEndpoint, apiEndpoints } from './api.js';

type Endpoints = typeof apiEndpoints;

/** `PATCH /api/keys/{id}` and so on: every endpoint of the table by its method and path. */
type ByRoute = {
  [Name in keyof Endpoints as `${Endpoints[Name]['method']} ${Endpoints[Name]['path']}`]: Endpoints[Name];
};
export type ApiRoute = keyof ByRoute & string;

type Input<E> = E extends { input: infer S extends z.ZodType } ? { body: z.input<S> } : { body?: never };
type Query<E> = E extends { query: infer S extends z.ZodType } ? { query?: z.input<S> } : { query?: never };
type Place<R extends string> = R extends `${string}{${string}}${string}` ? { id: string } : { id?: never };

/** What a call takes: the id (or name) in its path, its query, its body, as far as the table has them. */
export type ApiCall<R extends ApiRoute> = Place<R> & Query<ByRoute[R]> & Input<ByRoute[R]>;
/** What it answers; undefined where there is no content. */
export type ApiAnswer<R extends ApiRoute> = ByRoute[R] extends { output: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

/** A call as it goes over the wire. */
export interface ApiRequest {
  method: ApiEndpoint['method'];
  /** With its query. Starts with `/api/`. */
  path: string;
  body?: unknown;
}

/** Sends a call and resolves with the answer's JSON. Rejects with `ApiError`, or with the signal's reason when it was aborted. */
export type ApiTransport = (request: ApiRequest, signal?: AbortSignal) => Promise<unknown>;

/** The same with the answer's text, which is its JSON; empty where there is no content. */
export type TextTransport = (request: ApiRequest, signal?: AbortSignal) => Promise<string>;

/** Why a call of the admin API failed. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** `unreachable`: no answer; `rejected`: the gateway said no, with its status and code. */
    readonly kind: 'unreachable' | 'rejected',
    message: string,
    readonly status: number | null = null,
    readonly code: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The admin API by the types of its table. How a call travels is the transport's: over loopback for the editor side, over
 * postMessage for a page.
 */
export class ApiClient {
  constructor(private readonly transport: ApiTransport) {}

  /** `call('PATCH /api/keys/{id}', { id, body: { label } })`. Rejects as the transport does. */
  async call<R extends ApiRoute>(
    route: R,
    ...[given, signal]: Record<never, never> extends ApiCall<R>
      ? [given?: ApiCall<R>, signal?: AbortSignal]
      : [given: ApiCall<R>, signal?: AbortSignal]
  ): Promise<ApiAnswer<R>> {
    return (await this.transport(toRequest(route, given ?? {}), signal)) as ApiAnswer<R>;
  }
}

function toRequest(route: string, { id, query, body }: { id?: string; query?: unknown; body?: unknown }): ApiRequest {
  const space = route.indexOf(' ');
  const path = route.slice(space + 1).replace(/\{\w+\}/, () => encodeURIComponent(id ?? ''));
  return {
    method: route.slice(0, space) as ApiRequest['method'],
    path: path + queryText((query ?? {}) as Record<string, unknown>),
    ...(body === undefined ? {} : { body }),
  };
}

function queryText(query: Record<string, unknown>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
