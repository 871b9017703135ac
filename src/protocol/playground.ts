import * as z from 'zod';

/**
 * What the playground and the editor side say to each other beside calls of the API: streamed answers, saved
 * conversations, and what only the editor can do with text.
 */

/** Made by the page; names one streamed answer. */
const chatId = z.string().regex(/^[a-z0-9]{8,40}$/);
/** Made by the page; also the name of a file. */
export const conversationId = z.string().regex(/^[a-z0-9]{8,40}$/);
const conversationTitle = z.string().trim().min(1).max(200);

/** The body of `POST /v1/chat/completions`, as far as the editor side looks at it: the gateway judges the rest. */
export const chatBody = z.looseObject({
  model: z.string().max(1_000),
  stream: z.literal(true),
  messages: z
    .array(z.looseObject({ role: z.enum(['system', 'user', 'assistant', 'tool']) }))
    .min(1)
    .max(5_000),
});
export type ChatBody = z.infer<typeof chatBody>;

/** What can be done with saved conversations; answered by an `answer` with the call's id. */
export const conversationDeed = z.discriminatedUnion('deed', [
  /** Answered with `ConversationHead[]`, the last saved first. */
  z.strictObject({ deed: z.literal('list') }),
  /** Answered with what was saved. */
  z.strictObject({ deed: z.literal('read'), conversation: conversationId }),
  /** Makes it or replaces it. */
  z.strictObject({
    deed: z.literal('save'),
    conversation: conversationId,
    title: conversationTitle,
    content: z.unknown(),
  }),
  z.strictObject({ deed: z.literal('rename'), conversation: conversationId, title: conversationTitle }),
  z.strictObject({ deed: z.literal('remove'), conversation: conversationId }),
  /** Takes a removal back. */
  z.strictObject({ deed: z.literal('restore'), conversation: conversationId }),
]);
export type ConversationDeed = z.infer<typeof conversationDeed>;

/** From the playground. */
export const fromPlayground = [
  z.strictObject({ type: z.literal('chat.start'), id: chatId, body: chatBody }),
  /** The page is another document now: all of the answer so far, please, and what follows. */
  z.strictObject({ type: z.literal('chat.resume'), id: chatId }),
  /** The last part was shown: there may be another. */
  z.strictObject({ type: z.literal('chat.more'), id: chatId }),
  z.strictObject({ type: z.literal('chat.stop'), id: chatId }),
  z.strictObject({ type: z.literal('conversations'), id: z.number().int().nonnegative(), request: conversationDeed }),
  /** Into the clipboard. */
  z.strictObject({ type: z.literal('copy'), text: z.string().max(40_000_000) }),
  /** Where the cursor of the last used editor is. */
  z.strictObject({ type: z.literal('insert'), text: z.string().max(40_000_000) }),
] as const;
export type FromPlayground = z.infer<(typeof fromPlayground)[number]>;

/** A saved conversation in the list. */
export interface ConversationHead {
  id: string;
  title: string;
  /** ms since the epoch. */
  savedAt: number;
}

/** Who answered, as the gateway's headers say it (or its comments, where the headers had to leave early). */
export interface ChatRoute {
  /** `GET /api/requests/{id}`. */
  requestId: string | null;
  /** `provider/model`; null before it is known. */
  via: string | null;
  fallbacks: { model: string; kind: string }[];
}

/** A tool call as far as it came. */
export interface ChatCall {
  id: string;
  name: string;
  /** JSON, if the model wrote it well. */
  arguments: string;
}

export interface ChatUsage {
  promptTokens: number;
  completionTokens: number;
}

/** How a streamed answer ended. */
export type ChatEnd =
  /** `finish` as the model's provider said it. */
  | { kind: 'done'; finish: string | null }
  | { kind: 'stopped' }
  /** `status` and `code` of the gateway; null where it could not be asked. */
  | { kind: 'failed'; message: string; status: number | null; code: string | null; retryAfterSeconds: number | null }
  /** Nobody knows it (any more): the window was reloaded meanwhile. */
  | { kind: 'lost' };

/** To the playground. */
export type ToPlayground =
  | {
      type: 'chat.part';
      id: string;
      /** What came before is void: this begins anew. */
      isFirst: boolean;
      /** What was added. */
      content: string;
      reasoning: string;
      /** All calls so far, where one changed. */
      calls: ChatCall[] | null;
      route: ChatRoute;
      firstTokenMs: number | null;
    }
  | {
      type: 'chat.end';
      id: string;
      end: ChatEnd;
      route: ChatRoute;
      firstTokenMs: number | null;
      totalMs: number;
      usage: ChatUsage | null;
      /** The answer as it came over the wire, without its middle where it is long. */
      raw: string;
    };
