import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ConversationDeed, type ConversationHead, conversationId } from '../../protocol/playground.js';

const ENDING = '.json';
const REMOVED = '.removed';
/** A removed one can be taken back for 10 s; after this it is deleted when the list is next read. */
const REMOVED_MS = 60_000;
/** What a save writes before it takes the place of what was saved; after a crash it stays. */
const TEMPORARY = /^[a-z0-9]{8,40}\.json\.[0-9a-f]{12}$/;
/** No save takes so long, in whatever window. */
const TEMPORARY_MS = 60 * 60_000;
/** Of a file; the first line, with the title, is far shorter. */
const HEAD_BYTES = 4_096;
const LARGEST = 64 * 1024 * 1024;

/** Why a deed on a conversation failed, in words for logs; the page has its own. */
export class ConversationError extends Error {
  override readonly name = 'ConversationError';
}

/**
 * The playground's saved conversations: a file each (mode 0600), named by its id. The first line is its head, the second
 * what was said, so that the list reads no conversation. Each is replaced as a whole: a crash leaves the old or the new.
 */
export class ConversationFiles {
  constructor(
    private readonly folder: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws ConversationError, or what the disk says. */
  async do(request: ConversationDeed): Promise<unknown> {
    switch (request.deed) {
      case 'list':
        return this.list();
      case 'read':
        return (await this.parts(request.conversation)).content;
      case 'save':
        return this.save(request.conversation, request.title, JSON.stringify(request.content ?? null));
      case 'rename': {
        const { head, body } = await this.parts(request.conversation);
        return this.write(request.conversation, { ...head, title: request.title }, body);
      }
      case 'remove':
        return rename(this.file(request.conversation), this.file(request.conversation) + REMOVED);
      case 'restore':
        return rename(this.file(request.conversation) + REMOVED, this.file(request.conversation));
    }
  }

  private async list(): Promise<ConversationHead[]> {
    const names = await readdir(this.folder).catch(() => []);
    await Promise.all(names.map((name) => this.sweep(name)));
    const heads = await Promise.all(names.filter(isOurs).map((name) => this.head(name)));
    return heads.filter((head) => head !== null).sort((a, b) => b.savedAt - a.savedAt);
  }

  private async head(name: string): Promise<ConversationHead | null> {
    const file = await open(path.join(this.folder, name), 'r').catch(() => null);
    if (file === null) return null;
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const [line = ''] = buffer.subarray(0, bytesRead).toString('utf8').split('\n', 1);
      const { title, savedAt } = readHead(line);
      return { id: name.slice(0, -ENDING.length), title, savedAt };
    } catch {
      // Not one of ours, or cut short: it is left alone.
      return null;
    } finally {
      await file.close();
    }
  }

  /** Deletes what was removed, or left by a crash, long enough ago. */
  private async sweep(name: string): Promise<void> {
    const age = name.endsWith(REMOVED) ? REMOVED_MS : TEMPORARY.test(name) ? TEMPORARY_MS : null;
    if (age === null) return;
    const file = path.join(this.folder, name);
    const { ctimeMs } = await stat(file).catch(() => ({ ctimeMs: Number.POSITIVE_INFINITY }));
    if (this.now() - ctimeMs > age) await rm(file, { force: true });
  }

  private async parts(id: string): Promise<{ head: Omit<ConversationHead, 'id'>; body: string; content: unknown }> {
    const { size } = await stat(this.file(id));
    if (size > 4 * LARGEST) throw new ConversationError('The conversation is too large to be read');
    const text = await readFile(this.file(id), 'utf8');
    const at = text.indexOf('\n');
    const body = text.slice(at + 1);
    return { head: readHead(text.slice(0, at)), body, content: JSON.parse(body) };
  }

  private save(id: string, title: string, body: string): Promise<void> {
    if (body.length > LARGEST) throw new ConversationError('The conversation is too large to be saved');
    return this.write(id, { title, savedAt: this.now() }, body);
  }

  private async write(id: string, head: Omit<ConversationHead, 'id'>, body: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const file = this.file(id);
    const temporary = `${file}.${randomBytes(6).toString('hex')}`;
    const handle = await open(temporary, 'wx', 0o600);
    try {
      try {
        await handle.writeFile(`${JSON.stringify(head)}\n${body}`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  private file(id: string): string {
    return path.join(this.folder, id + ENDING);
  }
}

/** Others could be listed, but nothing could be done with them. */
function isOurs(name: string): boolean {
  return name.endsWith(ENDING) && conversationId.safeParse(name.slice(0, -ENDING.length)).success;
}

function readHead(line: string): Omit<ConversationHead, 'id'> {
  const { title, savedAt } = JSON.parse(line) as { title?: unknown; savedAt?: unknown };
  const isTime = typeof savedAt === 'number' && !Number.isNaN(new Date(savedAt).getTime());
  if (typeof title !== 'string' || !isTime) throw new ConversationError('No conversation of ours');
  return { title, savedAt };
}
