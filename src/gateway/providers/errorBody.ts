/** True for JSON objects (no arrays, no null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The provider's own words in an error body, null if there are none. Known shapes: `{error: {message}}`,
 * `{error: "…"}`, `{errors: [{message}]}` (Cloudflare), `{detail: "…"}` or `{detail: [{msg}]}` (FastAPI),
 * `{message}`, `{msg}`, `{title}`.
 */
export function errorMessage(body: unknown): string | null {
  if (typeof body === 'string') return body.trim() === '' ? null : body;
  if (Array.isArray(body)) return body.length > 0 ? errorMessage(body[0]) : null;
  if (!isObject(body)) return null;
  for (const field of ['error', 'errors', 'message', 'detail', 'msg', 'title', 'failed_generation']) {
    const message = errorMessage(body[field]);
    if (message !== null) return message;
  }
  return null;
}

/** The HTTP status an error body names (numbers from 400 to 599, also as text); null if it names none. */
export function errorStatus(body: unknown): number | null {
  if (!isObject(body)) return null;
  const error = Array.isArray(body.errors) ? body.errors[0] : body.error;
  for (const holder of [error, body]) {
    if (!isObject(holder)) continue;
    for (const field of ['status_code', 'statusCode', 'code', 'status']) {
      const status = Number(holder[field]);
      if (Number.isInteger(status) && status >= 400 && status < 600) return status;
    }
  }
  return null;
}
