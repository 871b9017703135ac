import * as vscode from 'vscode';
import type { VerifiedConnection } from '../../loopback/verifiedConnection.js';
import type { ToPage } from '../../protocol/pages.js';
import type { FromPlayground } from '../../protocol/playground.js';
import { describeError, type Logger } from '../logger.js';
import { actionFailed } from '../notices.js';
import { ChatRelay } from './chatRelay.js';
import { ConversationFiles } from './conversationFiles.js';
import type { LastEditor } from './lastEditor.js';

export interface PlaygroundContext {
  connection(): VerifiedConnection | null;
  /** Where saved conversations lie. */
  conversations: string;
  editor: LastEditor;
  log: Logger;
}

/** The editor side of the playground: streamed answers, saved conversations, and text for clipboard and editor. */
export class PlaygroundDesk {
  private readonly relay: ChatRelay;
  private readonly files: ConversationFiles;

  constructor(
    private readonly context: PlaygroundContext,
    private readonly post: (message: ToPage) => void,
  ) {
    this.relay = new ChatRelay({
      connection: context.connection,
      post,
      cut: (characters) => vscode.l10n.t('… {0} characters are left out here …', characters),
    });
    this.files = new ConversationFiles(context.conversations);
  }

  follow(message: FromPlayground): unknown {
    switch (message.type) {
      case 'chat.start':
        return this.relay.start(message.id, message.body);
      case 'chat.resume':
        return this.relay.resume(message.id);
      case 'chat.more':
        return this.relay.more(message.id);
      case 'chat.stop':
        return this.relay.stop(message.id);
      case 'conversations':
        return this.conversations(message);
      case 'copy':
        return vscode.env.clipboard.writeText(message.text);
      case 'insert':
        return this.insert(message.text);
    }
  }

  /** The page is hidden: answers are read on. */
  hidden(): void {
    this.relay.pause();
  }

  dispose(): void {
    this.relay.dispose();
  }

  private async conversations({ id, request }: Extract<FromPlayground, { type: 'conversations' }>): Promise<void> {
    try {
      const answer = await this.files.do(request);
      this.post({ type: 'answer', id, ok: true, json: answer === undefined ? '' : JSON.stringify(answer) });
    } catch (error) {
      this.context.log.warn('playground', `a conversation: ${request.deed} failed: ${describeError(error)}`);
      const message = error instanceof Error ? error.message : String(error);
      this.post({ type: 'answer', id, ok: false, error: { kind: 'rejected', message, status: null, code: null } });
    }
  }

  private async insert(text: string): Promise<void> {
    try {
      await this.context.editor.insert(text);
    } catch (error) {
      actionFailed(vscode.l10n.t('The code was not inserted'), describeError(error));
    }
  }
}
