import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { ApiTransport } from '../../protocol/apiClient.js';
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
import type { FeedListener, LeaderFeed } from './leaderFeed.js';
import { pageHtml } from './pageHtml.js';
import { type Page, pages } from './pageTable.js';
import { Tunnel } from './tunnel.js';

export interface PagePanelContext {
  extensionUri: vscode.Uri;
  feed: LeaderFeed;
  frame(): Frame;
  transport(): ApiTransport | null;
  run(command: PageCommand, argument: string | undefined): unknown;
  show(page: PageId): unknown;
  export(request: ExportRequest): unknown;
  log: Logger;
}

/** One page in one panel. Hidden, its document is gone and it hears nothing; shown again, it reads everything anew. */
export class PagePanel implements FeedListener {
  private readonly tunnel: Tunnel;
  /** It has a document that listens, which reads what it shows before it is told of changes. */
  private isReady = false;

  constructor(
    page: Page,
    private readonly panel: vscode.WebviewPanel,
    private readonly context: PagePanelContext,
  ) {
    const { webview } = panel;
    this.tunnel = new Tunnel(context.transport, (message) => this.post(message));
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
    // The stream opens while the document loads.
    if (panel.visible) context.feed.listen(this);
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
    if (this.isReady) this.post({ type: 'events', events });
  }

  onResync(): void {
    if (this.isReady) this.post({ type: 'resync' });
  }

  private receive(message: unknown): void {
    const parsed = fromPage.safeParse(message);
    if (!parsed.success) {
      this.context.log.warn('pages', 'a message of a page was not understood');
      return;
    }
    this.follow(parsed.data);
  }

  private follow(message: FromPage): void {
    switch (message.type) {
      case 'ready':
        this.isReady = true;
        this.post({ type: 'frame', frame: this.context.frame() });
        this.context.feed.listen(this);
        return;
      case 'call':
        void this.tunnel.call(message.id, message);
        return;
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
    }
  }

  private viewChanged(): void {
    if (this.panel.visible) {
      this.context.feed.listen(this);
      return;
    }
    this.isReady = false;
    this.context.feed.unlisten(this);
    this.tunnel.dispose();
  }

  private close(): void {
    this.context.feed.unlisten(this);
    this.tunnel.dispose();
  }
}
