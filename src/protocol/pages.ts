import * as z from 'zod';
import { analyticsWindow, requestStatus } from './analytics.js';
import type { GatewayEvent } from './events.js';
import { fromPlayground, type ToPlayground } from './playground.js';

/**
 * Both directions of the channel between a page and the editor side. What a page sends is validated before anything is
 * done with it; nothing that is sent to a page holds a secret.
 */

export const pageId = z.enum(['keys', 'chain', 'playground', 'analytics']);
export type PageId = z.infer<typeof pageId>;

/** What a page may ask the editor side to do beside calls of the API. */
export const pageCommand = z.enum([
  'addKey',
  'replaceKey',
  'removeKey',
  'undoRemoveKey',
  'copyEndpoint',
  'rotateToken',
  'setStrategy',
  'restartGateway',
  'showLog',
]);
export type PageCommand = z.infer<typeof pageCommand>;

/** All requests of a window, as a file; filters as in `GET /api/requests`. */
const exportRequest = z.strictObject({
  format: z.enum(['csv', 'json']),
  window: analyticsWindow,
  provider: z.string().max(300).optional(),
  model: z.string().max(500).optional(),
  client: z.string().max(300).optional(),
  status: requestStatus.optional(),
});
export type ExportRequest = z.infer<typeof exportRequest>;

/** `https://known.example@other.example` leads to where it does not look like. */
const webAddress = z
  .url({ protocol: /^https$/ })
  .max(2_000)
  .refine((url) => URL.canParse(url) && new URL(url).username === '' && new URL(url).password === '');

/** From a page. */
export const fromPage = z.discriminatedUnion('type', [
  /** It listens: events and states may come. */
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({
    type: z.literal('call'),
    id: z.number().int().nonnegative(),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
    path: z.string().max(2_000),
    body: z.unknown().optional(),
  }),
  /** The answer to this call is no longer wanted. */
  z.strictObject({ type: z.literal('cancel'), id: z.number().int().nonnegative() }),
  /** `argument` is a provider's id, `custom` for an endpoint of the user's own, a key's id, or a strategy (none: unset). */
  z.strictObject({ type: z.literal('command'), command: pageCommand, argument: z.string().max(300).optional() }),
  z.strictObject({ type: z.literal('open'), page: pageId }),
  z.strictObject({ type: z.literal('export'), request: exportRequest }),
  z.strictObject({ type: z.literal('openExternal'), url: webAddress }),
  ...fromPlayground,
]);
export type FromPage = z.infer<typeof fromPage>;

/** Whether there is a gateway, as the header of every page says it. */
export type FrameGateway =
  | { kind: 'starting' }
  /** `isHere`: this window runs it; else another window does. */
  | { kind: 'up'; url: string; isHere: boolean }
  | { kind: 'down'; reason: 'port-taken' | 'needs-reload' | 'error' | 'crashed' | 'closed'; message: string };

export interface Frame {
  gateway: FrameGateway;
  /** What clients need, the token masked: `freellmapi-…f3a9`. null until it was read. */
  endpoint: { baseUrl: string; tokenMask: string } | null;
  /** Keys that are removed at `until` (ms since the epoch) unless that is undone. */
  removing: { keyId: string; until: number }[];
}

/** What a page begins with; in its document as JSON. */
export interface PageInit {
  page: PageId;
  /** Those that exist, in the order of their tabs. */
  pages: { id: PageId; title: string }[];
  /** A BCP 47 tag. */
  locale: string;
  /** Translations by their English text; empty for English. */
  texts: Record<string, string>;
  frame: Frame;
}

/** To a page. */
export type ToPage =
  // As text, empty where there is none: VS Code visits every value of what it carries, several times.
  | { type: 'answer'; id: number; ok: true; json: string }
  | {
      type: 'answer';
      id: number;
      ok: false;
      error: { kind: 'unreachable' | 'rejected'; message: string; status: number | null; code: string | null };
    }
  /** What happened since the last message, in order. */
  | { type: 'events'; events: GatewayEvent[] }
  /** Events may have been missed: whoever keeps state reads it anew. */
  | { type: 'resync' }
  | { type: 'frame'; frame: Frame }
  | ToPlayground;
