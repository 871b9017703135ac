import assert from 'node:assert/strict';
import type { ChatMessage } from '../../src/protocol/chat.js';
import type { TestGateway } from './gateway.js';

export interface ConversationOptions {
  stream?: boolean;
  /** Sent with every turn. */
  headers?: Record<string, string>;
  /** Fields of every turn's body. */
  body?: Record<string, unknown>;
  system?: string;
}

export interface Turn {
  /** `X-Routed-Via`. */
  via: string | undefined;
  requestId: string;
  text: string;
}

/** A chat with the gateway that keeps its history as a client does; calls of tools are answered with "ok". */
export class Conversation {
  readonly messages: ChatMessage[] = [];
  /** Everything that the gateway has sent, headers too. */
  seen = '';

  constructor(
    private readonly gateway: TestGateway,
    private readonly options: ConversationOptions = {},
  ) {
    if (options.system !== undefined) this.messages.push({ role: 'system', content: options.system });
  }

  /** One turn; it must be answered. */
  async say(content: ChatMessage['content'], body: Record<string, unknown> = {}): Promise<Turn> {
    const { stream = false, headers = {} } = this.options;
    this.messages.push({ role: 'user', content });
    const response = await this.gateway.chat(
      { messages: this.messages, stream, ...this.options.body, ...body },
      { headers },
    );
    this.seen += JSON.stringify(response.headers);
    const answer = stream ? await this.readStream(response) : await this.readWhole(response);
    assert.equal(response.status, 200, this.seen);
    this.messages.push(answer);
    for (const call of answer.tool_calls ?? []) {
      this.messages.push({ role: 'tool', tool_call_id: call.id, content: 'ok' });
    }
    const { 'x-routed-via': via, 'x-request-id': requestId } = response.headers;
    return { via: via as string | undefined, requestId: String(requestId), text: String(answer.content ?? '') };
  }

  private async readWhole(response: Awaited<ReturnType<TestGateway['chat']>>): Promise<ChatMessage> {
    const text = await response.text();
    this.seen += text;
    return JSON.parse(text).choices?.[0]?.message;
  }

  private async readStream(response: Awaited<ReturnType<TestGateway['chat']>>): Promise<ChatMessage> {
    const { text, toolCalls, frames } = await response.stream();
    this.seen += JSON.stringify(frames);
    const calls = toolCalls.map(({ id, name, arguments: args }) => ({
      id: String(id),
      type: 'function' as const,
      function: { name, arguments: args },
    }));
    return { role: 'assistant', content: text || null, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
  }
}
