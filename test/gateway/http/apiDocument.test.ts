import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type ApiContext, createApiRoutes } from '../../../src/gateway/http/apiRoutes.js';
import { type ApiEndpoint, apiEndpoints, openApiDocument } from '../../../src/protocol/api.js';
import { createManualClock } from '../../support/manualClock.js';
import { codeBlocks, tablesOf } from '../../support/markdown.js';

const document = readFileSync(new URL('../../../docs/admin-api.md', import.meta.url), 'utf8');
const endpoints: ApiEndpoint[] = Object.values(apiEndpoints);
const callOf = ({ method, path }: Pick<ApiEndpoint, 'method' | 'path'>) => `${method} ${path}`;

/** What the document says of each call, by `GET /api/…`. */
const rows = tablesOf(document)
  .filter(([header]) => header?.[0] === 'call')
  .flatMap(([, ...rows]) => rows)
  .map(([call = '', given = '', answer = '']) => ({ call: call.replaceAll('`', ''), given, answer }));

function fieldsOf(schema: z.ZodType | undefined): string[] {
  if (!schema) return [];
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.keys(properties);
}

interface Example {
  method: string;
  url: URL;
  body: string | undefined;
}

/** The curl calls, lines that go on put together. */
function examples(): Example[] {
  const lines = codeBlocks(document, '').flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  return lines
    .filter((line) => line.startsWith('curl '))
    .map((line) => {
      const body = / -d '([^']*)'/.exec(line)?.[1];
      const path = /\$FREELLM([^\s"]+)/.exec(line)?.[1] ?? '';
      return { method: / -X (\w+)/.exec(line)?.[1] ?? 'GET', url: new URL(path, 'http://localhost'), body };
    });
}

function endpointOf({ method, url }: Example): ApiEndpoint | undefined {
  const segments = url.pathname.split('/');
  const isSame = (path: string) => {
    const wanted = path.split('/');
    return wanted.length === segments.length && wanted.every((part, at) => part[0] === '{' || part === segments[at]);
  };
  // A plain path comes before one with a parameter.
  const sorted = endpoints.toSorted((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  return sorted.find((endpoint) => endpoint.method === method && isSame(endpoint.path));
}

describe('docs/admin-api.md', () => {
  it('has every call of the table of endpoints, each once, and no other', () => {
    assert.deepEqual(rows.map(({ call }) => call).sort(), endpoints.map(callOf).sort());
  });

  it('names every parameter and field that a call takes', () => {
    for (const endpoint of endpoints) {
      const given = rows.find(({ call }) => call === callOf(endpoint))?.given ?? '';
      for (const field of [...fieldsOf(endpoint.query), ...fieldsOf(endpoint.input)]) {
        const isNamed = given.includes(`\`${field}\``) || given.includes(`${field}=`);
        assert.ok(isNamed, `${callOf(endpoint)}: ${field}`);
      }
    }
  });

  it('names every field that a call answers with, where it lists them', () => {
    const listing = endpoints.filter((endpoint) => /`\{[^}]+\}`/.test(answerTo(endpoint)));
    assert.ok(listing.length > 10);
    for (const endpoint of listing) {
      const fields = fieldsOf(endpoint.output);
      for (const field of fields.join() === 'data' ? itemFieldsOf(endpoint.output) : fields) {
        assert.match(answerTo(endpoint), new RegExp(`\\b${field}\\b`), `${callOf(endpoint)}: ${field}`);
      }
    }
  });

  it('shows calls that there are, with parameters and bodies that they take', () => {
    const calls = examples();
    assert.ok(calls.length >= 10);
    for (const example of calls) {
      const endpoint = endpointOf(example);
      assert.ok(endpoint, `${example.method} ${example.url.pathname}`);
      endpoint.query?.parse(Object.fromEntries(example.url.searchParams));
      assert.equal(example.body !== undefined, endpoint.input !== undefined, callOf(endpoint));
      if (example.body !== undefined) endpoint.input?.parse(JSON.parse(example.body));
    }
  });
});

describe('the table of endpoints', () => {
  it('has every route of the admin API, and no other', () => {
    const { routes } = createApiRoutes({ clock: createManualClock() } as Partial<ApiContext> as ApiContext);
    const served = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    // Answered before Hono is loaded (whoisRoute.ts).
    assert.deepEqual([...served, 'GET /api/whois'].sort(), endpoints.map(callOf).sort());
  });

  it('is what /api/openapi.json describes', () => {
    const { paths } = openApiDocument('0') as { paths: Record<string, object> };
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(described.sort(), endpoints.map(callOf).sort());
  });
});

function answerTo(endpoint: ApiEndpoint): string {
  return rows.find(({ call }) => call === callOf(endpoint))?.answer ?? '';
}

/** The fields of a list's items. */
function itemFieldsOf(output: z.ZodType | undefined): string[] {
  return output instanceof z.ZodObject && output.shape.data instanceof z.ZodArray
    ? fieldsOf(output.shape.data.element as z.ZodType)
    : [];
}
