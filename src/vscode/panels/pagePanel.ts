import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { TextTransport } from '../../protocol/apiClient.js';
import {
  type ExportRequest,
  type Frame,
  type FromPage,
  fromPage,
  type PageCommand,
  type PageId,
  type ToPage,
} from '../../protocol/pages.js';
import type { Logger } from '../logger.js';
import type { FirstReads } from './firstReads.js';
import type { FeedListener, LeaderFeed } from './leaderFeed.js';
import { pageHtml } from './pageHtml.js';
import { PageOpening } from './pageOpening.js';
import { type Page, pages } from './pageTable.js';
import { type PlaygroundContext, PlaygroundDesk } from './playgroundDesk.js';
import { refusalOf } from './refusal.js';
import { Tunnel } from './tunnel.js';

export interface PagePanelContext {
  extensionUri: vscode.Uri;
  feed: LeaderFeed;
  firstReads: FirstReads;
  frame(): Frame;
  transport(): TextTransport | null;
  run(command: PageCommand, argument: string | undefined): unknown;
  show(page: PageId): unknown;
  playground: PlaygroundContext;
  export(request: ExportRequest): unknown;
  log: Logger;
}

/** One page in one panel. Hidden, its document is gone and it hears nothing; shown again, it reads everything anew. */
export class PagePanel implements FeedListener {
  private readonly tunnel: Tunnel;
  /** Of the playground alone: no other page may ask models or read what was said. */
  private readonly desk: PlaygroundDesk | null;
  /** Its document is not there yet, or has not what it asks first. */
  private opening: PageOpening | null = null;
  private isVisible: boolean;

  constructor(
    private readonly page: Page,
    private readonly panel: vscode.WebviewPanel,
    private readonly context: PagePanelContext,
  ) {
    const { webview } = panel;
    this.tunnel = new Tunnel(
      () => (this.opening?.transport ?? context.transport)(),
      (message) => this.post(message),
    );
    const isPlayground = page.id === 'playground';
    this.desk = isPlayground ? new PlaygroundDesk(context.playground, (message) => this.post(message)) : null;
    const folder = vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview');
    webview.options = { enableScripts: true, localResourceRoots: [folder] };
    const icon = (theme: string) =>
      vscode.Uri.joinPath(context.extensionUri, 'media', 'pages', `${page.icon}-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => this.viewChanged());
    panel.onDidDispose(() => this.close());
    const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    webview.html = pageHtml({
      script: file(`${page.entry}.js`),
      style: file(`${page.entry}.css`),
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString('base64url'),
      init: {
        page: page.id,
        pages: pages.map(({ id, title }) => ({ id, title: title() })),
        locale: vscode.env.language,
        texts: vscode.l10n.bundle ?? {},
        frame: context.frame(),
      },
    });
    this.isVisible = panel.visible;
    if (this.isVisible) this.expectDocument();
  }

  reveal(): void {
    this.panel.reveal();
  }

  dispose(): void {
    this.panel.dispose();
  }

  /** Lost when the page is hidden, which it makes up for. */
  post(message: ToPage): void {
    if (this.panel.visible) void this.panel.webview.postMessage(message);
  }

  onEvents(events: Parameters<FeedListener['onEvents']>[0]): void {
    if (this.opening === null) this.post({ type: 'events', events });
    else this.opening.hold(events);
  }

  onResync(): void {
    this.opening?.readAhead();
    if (this.opening === null || this.opening.isReady) this.post({ type: 'resync' });
  }

  /** The stream of events opens, and what the page will ask is read, while VS Code makes the document. */
  private expectDocument(): void {
    const { feed, firstReads, transport } = this.context;
    this.opening?.dispose();
    const paths = firstReads.of(this.page.id).filter((path) => this.tunnel.isOpen({ method: 'GET', path }));
    this.opening = new PageOpening(paths, transport);
    feed.listen(this);
    if (feed.isOpen) this.opening.readAhead();
  }

  private async documentReady(opening: PageOpening): Promise<void> {
    // The stream opened before the page could be told.
    if (!opening.hasAsked && this.context.feed.isOpen) this.post({ type: 'resync' });
    const events = await opening.ready((paths) => this.context.firstReads.keep(this.page.id, paths));
    if (this.opening !== opening) return;
    this.opening = null;
    if (events === null) this.post({ type: 'resync' });
    else if (events.length > 0) this.post({ type: 'events', events: [...events] });
  }

  private receive(message: unknown): void {
    const parsed = fromPage.safeParse(message);
    if (!parsed.success) {
      this.context.log.warn('pages', 'a message of a page was not understood');
      const refusal = refusalOf(message);
      if (refusal !== null) this.post(refusal);
      return;
    }
    this.follow(parsed.data);
  }

  private follow(message: FromPage): void {
    switch (message.type) {
      case 'ready':
        this.post({ type: 'frame', frame: this.context.frame() });
        this.context.feed.listen(this);
        // VS Code also makes a document anew without having hidden the old one.
        if (this.opening === null) this.post({ type: 'resync' });
        else void this.documentReady(this.opening);
        return;
      case 'call': {
        const answered = this.tunnel.call(message.id, message);
        this.opening?.note(message, answered);
        return;
      }
      case 'cancel':
        this.tunnel.cancel(message.id);
        return;
      case 'command':
        this.context.run(message.command, message.argument);
        return;
      case 'open':
        this.context.show(message.page);
        return;
      case 'export':
        this.context.export(message.request);
        return;
      case 'openExternal':
        void vscode.env.openExternal(vscode.Uri.parse(message.url, true));
        return;
      default:
        this.desk?.follow(message);
    }
  }

  private viewChanged(): void {
    // It is told of other tabs' comings and goings, too.
    if (this.panel.visible === this.isVisible) return;
    this.isVisible = this.panel.visible;
    if (this.isVisible) {
      this.expectDocument();
      return;
    }
    this.opening?.dispose();
    this.context.feed.unlisten(this);
    this.tunnel.dispose();
    this.desk?.hidden();
  }

  private close(): void {
    this.opening?.dispose();
    this.context.feed.unlisten(this);
    this.tunnel.dispose();
    this.desk?.dispose();
  }
}
