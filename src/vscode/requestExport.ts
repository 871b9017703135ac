import type { RequestsQuery, RequestView } from '../protocol/analytics.js';
import type { ApiClient } from '../protocol/apiClient.js';
import type { ExportRequest } from '../protocol/pages.js';

/** As many as one call gives. */
const PAGE = 500;

/** The columns of the CSV, each with what it has of a request. */
const COLUMNS: readonly [string, (request: RequestView) => string | number | null][] = [
  ['time', ({ at }) => new Date(at).toISOString()],
  ['client', ({ client }) => client],
  ['asked', ({ model }) => model],
  ['provider', ({ provider }) => provider],
  ['model', ({ servedModel }) => servedModel],
  ['key_id', ({ keyId }) => keyId],
  ['status', ({ status }) => status],
  ['http_status', ({ httpStatus }) => httpStatus],
  ['error', ({ errorCode }) => errorCode],
  ['stream', ({ stream }) => (stream ? 'true' : 'false')],
  ['first_token_ms', ({ firstTokenMs }) => firstTokenMs],
  ['total_ms', ({ totalMs }) => totalMs],
  ['prompt_tokens', ({ promptTokens }) => promptTokens],
  ['completion_tokens', ({ completionTokens }) => completionTokens],
  ['attempts', ({ attemptCount }) => attemptCount],
  ['id', ({ id }) => id],
];

/**
 * Every request of the export's window, newest first: also those that the page has not read. `onRead` hears how many there
 * are so far. Rejects as the client does.
 */
export async function readRequests(
  client: ApiClient,
  { window, provider, model, client: name, status }: ExportRequest,
  { onRead, signal }: { onRead(count: number): void; signal: AbortSignal },
): Promise<{ from: number; to: number; requests: RequestView[] }> {
  const { from, to } = await client.call('GET /api/analytics', { query: { window } }, signal);
  const filter = given({ provider, model, client: name, status });
  const requests: RequestView[] = [];
  let before: string | null = null;
  do {
    const query: Partial<RequestsQuery> = { limit: PAGE, ...filter, ...(before === null ? {} : { before }) };
    const page = await client.call('GET /api/requests', { query }, signal);
    for (const request of page.data) if (request.at >= from) requests.push(request);
    onRead(requests.length);
    before = page.next;
  } while (before !== null && Number.parseInt(before, 10) >= from);
  return { from, to, requests };
}

/** What was given of these, without the rest. */
function given(filter: Partial<Record<'provider' | 'model' | 'client' | 'status', string | undefined>>) {
  return Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  ) as Partial<RequestsQuery>;
}

/** RFC 4180, with a byte order mark: without it Excel takes UTF-8 for something else. */
export function csvOf(requests: readonly RequestView[]): string {
  const lines = requests.map((request) => COLUMNS.map(([, read]) => cell(read(request))).join(','));
  return `\uFEFF${[COLUMNS.map(([name]) => name).join(','), ...lines].join('\r\n')}\r\n`;
}

/**
 * One cell. Names come from anybody: a text that a spreadsheet would take for a formula gets an apostrophe in front
 * (https://owasp.org/www-community/attacks/CSV_Injection). Where a comma is for decimals, Excel splits at semicolons
 * and lines, in quotes or not.
 */
function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = value.replace(/(^|[;\r\n])(?=["\s]*[=+\-@]|[\t\r])/g, "$1'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The same as JSON, with what it is of. Times in ms since the epoch. */
export function jsonOf(
  { format: _format, ...filter }: ExportRequest,
  { from, to, requests }: { from: number; to: number; requests: readonly RequestView[] },
): string {
  return `${JSON.stringify({ ...filter, from, to, requests }, null, 2)}\n`;
}

/** `freellm-requests-7d.csv` */
export function exportName({ format, window }: ExportRequest): string {
  return `freellm-requests-${window}.${format}`;
}
