import { getContext, setContext } from 'svelte';
import { ApiClient } from '../../src/protocol/apiClient.js';
import type { GatewayEvent } from '../../src/protocol/events.js';
import type {
  ExportRequest,
  Frame,
  FromPage,
  PageCommand,
  PageId,
  PageInit,
  ToPage,
} from '../../src/protocol/pages.js';
import type { FromPlayground, ToPlayground } from '../../src/protocol/playground.js';
import type { Bridge } from './bridge.js';
import { PageTransport } from './pageTransport.js';
import { keptUndoables, readUndoables, stillUndoable, type Undoable, withUndoable } from './undoList.js';

const KEY = Symbol('session');
/** Beside what the page itself keeps. */
const UNDOABLES = 'undoables';

/** A page's life: its way to the gateway, what happens there, and what all pages show. */
export class Session {
  readonly client: ApiClient;
  /** The present, in steps of a second while the page can be seen. */
  now = $state(Date.now());
  frame: Frame = $state.raw({ gateway: { kind: 'starting' }, endpoint: null, removing: [] });
  undoables: readonly Undoable[] = $state.raw([]);
  private readonly transport: PageTransport;
  private readonly eventListeners = new Set<(events: GatewayEvent[]) => void>();
  private readonly resyncListeners = new Set<() => void>();
  private readonly chatListeners = new Set<(message: ToPlayground) => void>();
  private arrived: GatewayEvent[] = [];

  constructor(
    private readonly bridge: Bridge,
    readonly init: PageInit,
  ) {
    this.frame = init.frame;
    this.transport = new PageTransport((message) => bridge.post(message));
    this.client = new ApiClient(this.transport.send);
    bridge.listen((message) => this.receive(message));
    setInterval(() => this.tick(), 1000);
    document.addEventListener('visibilitychange', () => this.tick());
  }

  /** To be called once the page listens. It reads first: what happens after that is told once it has the answers. */
  begin(): void {
    if (this.frame.gateway.kind === 'up') this.readAnew();
    this.bridge.post({ type: 'ready' });
  }

  /** What happened, once a frame at most. */
  onEvents(listener: (events: GatewayEvent[]) => void): void {
    this.eventListeners.add(listener);
  }

  /** Everything must be read, for the first time or anew. */
  onResync(listener: () => void): void {
    this.resyncListeners.add(listener);
  }

  /** Parts and ends of streamed answers, as they come. */
  onChat(listener: (message: ToPlayground) => void): void {
    this.chatListeners.add(listener);
  }

  /** What only the playground says. */
  say(message: FromPlayground): void {
    this.bridge.post(message);
  }

  /** The same, for what is answered. */
  ask(make: (id: number) => FromPage): Promise<unknown> {
    return this.transport.ask(make);
  }

  run(command: PageCommand, argument?: string): void {
    this.bridge.post({ type: 'command', command, ...(argument === undefined ? {} : { argument }) });
  }

  open(page: PageId): void {
    this.bridge.post({ type: 'open', page });
  }

  /** Writes all requests of a window to a file that the user names. */
  export(request: ExportRequest): void {
    this.bridge.post({ type: 'export', request });
  }

  openExternal(url: string): void {
    this.bridge.post({ type: 'openExternal', url });
  }

  offerUndo(undoable: Undoable): void {
    // It counts from here.
    this.now = Date.now();
    this.setUndoables(withUndoable(this.undoables, undoable));
  }

  /**
   * Offers again what an earlier document of this page did, for the rest of its time. `undoing` makes of what was kept what
   * undoes it; it must take anything, and null offers nothing.
   */
  offerKeptUndos(undoing: (kept: unknown) => (() => void) | null): void {
    const kept = readUndoables(fieldsOf(this.bridge.readState())[UNDOABLES], Date.now());
    for (const each of kept) {
      const undo = undoing(each.kept);
      if (undo !== null) this.offerUndo({ ...each, undo });
    }
  }

  undo(undoable: Undoable): void {
    this.setUndoables(this.undoables.filter((other) => other !== undoable));
    undoable.undo();
  }

  /** What the page kept, as `read` makes of it; `read` must take anything. */
  keptState<T>(read: (state: unknown) => T): T {
    return read(this.bridge.readState());
  }

  keepState(state: object): void {
    this.bridge.writeState({ ...state, [UNDOABLES]: keptUndoables(this.undoables) });
  }

  private setUndoables(undoables: readonly Undoable[]): void {
    if (undoables === this.undoables) return;
    this.undoables = undoables;
    this.keepState(fieldsOf(this.bridge.readState()));
  }

  private tick(): void {
    if (document.hidden) return;
    this.now = Date.now();
    this.setUndoables(stillUndoable(this.undoables, this.now));
  }

  private receive(message: ToPage): void {
    switch (message.type) {
      case 'answer':
        this.transport.receive(message);
        return;
      case 'events':
        this.take(message.events);
        return;
      case 'resync':
        this.readAnew();
        return;
      case 'frame':
        this.frame = message.frame;
        return;
      default:
        for (const listener of this.chatListeners) listener(message);
    }
  }

  private readAnew(): void {
    this.arrived = [];
    for (const listener of this.resyncListeners) listener();
  }

  /** A hidden document has no frames: what comes meanwhile is handed over when it is seen again. */
  private take(events: GatewayEvent[]): void {
    if (this.arrived.length === 0) requestAnimationFrame(() => this.handOver());
    this.arrived.push(...events);
  }

  private handOver(): void {
    const events = this.arrived;
    this.arrived = [];
    if (events.length > 0) for (const listener of this.eventListeners) listener(events);
  }
}

function fieldsOf(state: unknown): Record<string, unknown> {
  return typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
}

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

/** The session of the page that the component is in. */
export function useSession(): Session {
  return getContext<Session>(KEY);
}
