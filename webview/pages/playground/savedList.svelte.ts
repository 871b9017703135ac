import type { ConversationDeed, ConversationHead } from '../../../src/protocol/playground.js';
import { errorWords } from '../../lib/errorWords.js';
import { t } from '../../lib/l10n.js';
import { newId, titleOf } from '../../lib/playground/conversation.js';
import { readKept } from '../../lib/playground/kept.js';
import type { Session } from '../../lib/session.svelte.js';
import { UNDO_MS } from '../../lib/undoList.js';
import type { PlaygroundStore } from './playgroundStore.svelte.js';

/** The saved conversations. Nothing is saved but what the user saves. */
export class SavedList {
  /** null before it was read. */
  heads: readonly ConversationHead[] | null = $state.raw(null);
  /** What the conversation that is shown is saved as; null: it is not. */
  current: { id: string; title: string } | null = $state.raw(null);

  constructor(
    private readonly session: Session,
    private readonly store: PlaygroundStore,
  ) {}

  read(): Promise<void> {
    return this.do(async () => {
      this.heads = (await this.ask({ deed: 'list' })) as ConversationHead[];
    });
  }

  /** Saves what is shown, over what it was saved as. */
  save(): Promise<void> {
    return this.do(async () => {
      const id = this.current?.id ?? newId();
      const title = this.current?.title ?? titleOf(this.store.exchanges) ?? t('Conversation');
      await this.ask({ deed: 'save', conversation: id, title, content: this.store.conversation() });
      this.current = { id, title };
      this.store.keep();
      this.store.announcement = t('The conversation is saved');
      await this.read();
    });
  }

  open({ id, title }: ConversationHead): Promise<void> {
    return this.do(async () => {
      const content = readKept(await this.ask({ deed: 'read', conversation: id }));
      this.store.clear();
      this.store.show(content);
      // One that ran when it was saved.
      this.store.resume();
      this.current = { id, title };
      this.store.keep();
    });
  }

  rename(head: ConversationHead, title: string): Promise<void> {
    return this.do(async () => {
      await this.ask({ deed: 'rename', conversation: head.id, title });
      if (this.current?.id === head.id) this.current = { id: head.id, title };
      this.store.keep();
      await this.read();
    });
  }

  remove(head: ConversationHead): Promise<void> {
    return this.do(async () => {
      await this.ask({ deed: 'remove', conversation: head.id });
      const { current } = this;
      if (current?.id === head.id) this.current = null;
      this.store.keep();
      await this.read();
      this.session.offerUndo({
        id: `saved ${head.id}`,
        text: t('“{0}” was removed', head.title),
        until: Date.now() + UNDO_MS,
        focus: `[data-conversation="${CSS.escape(head.id)}"]`,
        kept: { removed: head.id, saved: current },
        undo: () => void this.restore(head.id, current),
      });
    });
  }

  /** What takes back a removal that an earlier document of the page made; null for anything else. */
  undoingOf(kept: unknown): (() => void) | null {
    const removed = typeof kept === 'object' && kept !== null && 'removed' in kept ? kept.removed : null;
    return typeof removed === 'string' ? () => void this.restore(removed, readKept(kept).saved) : null;
  }

  private restore(id: string, current: SavedList['current']): Promise<void> {
    return this.do(async () => {
      await this.ask({ deed: 'restore', conversation: id });
      if (this.current === null && current?.id === id) {
        this.current = current;
        this.store.keep();
      }
      await this.read();
    });
  }

  private ask(request: ConversationDeed): Promise<unknown> {
    return this.session.ask((id) => ({ type: 'conversations', id, request }));
  }

  private async do(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.store.trouble = null;
    } catch (error) {
      this.store.trouble = t('The saved conversations: {0}', errorWords(error));
    }
  }
}
