import type { Context } from 'hono';
import type * as z from 'zod';
import { type ApiEndpoint, type ApiEndpointName, apiEndpoints } from '../../protocol/api.js';
import { invalidRequest } from './errors.js';

type QueryOf<Name extends ApiEndpointName> = (typeof apiEndpoints)[Name] extends {
  query: infer Schema extends z.ZodType;
}
  ? z.infer<Schema>
  : never;

/**
 * The query of a call, as the endpoint's schema has it.
 * @throws HttpError 400 naming the parameter.
 */
export function readQuery<Name extends ApiEndpointName>(name: Name, { req }: Context): QueryOf<Name> {
  const endpoint: ApiEndpoint = apiEndpoints[name];
  const parsed = endpoint.query?.safeParse(req.query());
  if (parsed?.success) return parsed.data as QueryOf<Name>;
  const issue = parsed?.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const parameter = (issue.keys[0] ?? '').slice(0, 100);
    throw invalidRequest(`${parameter}: there is no such parameter`, parameter);
  }
  const parameter = issue?.path.join('.') ?? '';
  throw invalidRequest(`${parameter}: ${issue?.message ?? 'not a valid query'}`, parameter || null);
}
