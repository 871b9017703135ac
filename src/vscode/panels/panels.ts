import * as vscode from 'vscode';
import type { ExportRequest, Frame, PageCommand, PageId, ToPage } from '../../protocol/pages.js';
import { AdminClient } from '../adminClient.js';
import type { GatewayHost } from '../gatewayHost.js';
import { isUp } from '../gatewayHost.js';
import type { LeaderConnections } from '../leaderConnections.js';
import { describeError, type Logger } from '../logger.js';
import { FirstReads } from './firstReads.js';
import { frameEndpoint, frameGateway } from './frame.js';
import { LastEditor } from './lastEditor.js';
import { LeaderFeed } from './leaderFeed.js';
import type { PagePanel } from './pagePanel.js';
import { type Page, pageOf, pages } from './pageTable.js';

/** What pages ask for that only the editor can do. `argument` is a provider's or a key's id. */
export type PageCommands = Record<PageCommand, (argument?: string) => unknown> & {
  exportRequests(request: ExportRequest): unknown;
};

/** The pages as editor panels: opened once each, restored after a reload, told of everything that happens. */
export class Panels implements vscode.Disposable {
  private readonly open = new Map<PageId, PagePanel>();
  private readonly feed: LeaderFeed;
  private readonly disposables: vscode.Disposable[] = [];
  private readonly lastEditor = new LastEditor();
  private readonly firstReads: FirstReads;
  private frame: Frame;
  private showing: Promise<void> = Promise.resolve();

  constructor(
    private readonly extensionUri: vscode.Uri,
    /** Where the extension keeps its files. */
    private readonly storageUri: vscode.Uri,
    state: vscode.Memento,
    private readonly host: GatewayHost,
    private readonly connections: LeaderConnections,
    private readonly commands: PageCommands,
    private readonly log: Logger,
  ) {
    this.feed = new LeaderFeed(connections, log);
    this.firstReads = new FirstReads(state);
    this.frame = { gateway: frameGateway(host.state), endpoint: null, removing: [] };
    this.disposables.push(
      this.lastEditor,
      host.onDidChangeState(() => this.hostChanged()),
      ...pages.map((page) =>
        vscode.window.registerWebviewPanelSerializer(page.viewType, {
          // The page keeps its own state and finds it there.
          deserializeWebviewPanel: (panel) => this.adopt(page, panel),
        }),
      ),
    );
  }

  /** Opens a page, or brings it to the front. */
  show(id: PageId): Promise<void> {
    // One after the other: a page that is being made would be closed as one that nobody has looked at.
    const shown = this.showing.then(() => this.showNow(id));
    this.showing = shown.catch(() => undefined);
    return shown;
  }

  private async showNow(id: PageId): Promise<void> {
    const page = pageOf(id);
    if (page === undefined) return;
    const known = this.open.get(id);
    if (known !== undefined) return known.reveal();
    // One that was not looked at since the window was reloaded: it is ours only once it is.
    await closeUnseen(page);
    const panel = vscode.window.createWebviewPanel(page.viewType, page.title(), vscode.ViewColumn.Active, {});
    await this.adopt(page, panel);
  }

  /** The endpoint's token is another one. */
  endpointChanged(): void {
    void this.readEndpoint();
  }

  /** Keys are being removed, or are no longer. */
  removalsChanged(removing: Frame['removing']): void {
    this.setFrame({ ...this.frame, removing });
  }

  dispose(): void {
    this.feed.dispose();
    for (const panel of this.open.values()) panel.dispose();
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private async adopt(page: Page, panel: vscode.WebviewPanel): Promise<void> {
    // The schemas of what pages send cost some milliseconds that no activation has to pay.
    const { PagePanel } = await import('./pagePanel.js');
    this.open.get(page.id)?.dispose();
    const made = new PagePanel(page, panel, {
      extensionUri: this.extensionUri,
      feed: this.feed,
      firstReads: this.firstReads,
      frame: () => this.frame,
      transport: () => {
        const connection = this.connections.current();
        if (connection === null) return null;
        const client = new AdminClient(connection);
        return (request, signal) => client.forward(request, signal);
      },
      run: (command, argument) => this.commands[command](argument),
      show: (id) => this.show(id),
      playground: {
        connection: () => this.connections.current(),
        conversations: vscode.Uri.joinPath(this.storageUri, 'conversations').fsPath,
        editor: this.lastEditor,
        log: this.log,
      },
      export: (request) => this.commands.exportRequests(request),
      log: this.log,
    });
    this.open.set(page.id, made);
    panel.onDidDispose(() => {
      if (this.open.get(page.id) === made) this.open.delete(page.id);
    });
    // Whoever opens a page does not wait for a slow gateway.
    if (this.frame.endpoint === null) void this.readEndpoint();
  }

  private hostChanged(): void {
    this.setFrame({ ...this.frame, gateway: frameGateway(this.host.state) });
    this.feed.reconnect();
    void this.readEndpoint();
  }

  private async readEndpoint(): Promise<void> {
    if (this.open.size === 0 || !isUp(this.host.state)) return;
    const connection = this.connections.current();
    if (connection === null) return;
    try {
      const endpoint = frameEndpoint(await new AdminClient(connection).endpoint());
      this.setFrame({ ...this.frame, endpoint });
    } catch (error) {
      this.log.debug('pages', `the endpoint could not be read: ${describeError(error)}`);
    }
  }

  private setFrame(frame: Frame): void {
    this.frame = frame;
    const message: ToPage = { type: 'frame', frame };
    for (const panel of this.open.values()) panel.post(message);
  }
}

/** Closes tabs of the page that VS Code has kept but not yet given back to us. */
async function closeUnseen({ viewType }: Page): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const isOurs = ({ input }: vscode.Tab): boolean =>
    input instanceof vscode.TabInputWebview && input.viewType.endsWith(viewType);
  await vscode.window.tabGroups.close(tabs.filter(isOurs));
}
