import * as vscode from 'vscode';
import { views } from './contributions.js';
import { type OverviewRow, overviewRows } from './overviewRows.js';
import { initialStatus, type StatusModel } from './statusModel.js';

/** What happens in bursts is drawn once. */
const DRAW_AFTER_MS = 300;

/** The view behind the activity bar icon: gateway, chain, providers with what is left of them, and the pages. */
export class OverviewView implements vscode.TreeDataProvider<OverviewRow>, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private readonly view: vscode.TreeView<OverviewRow>;
  private status: StatusModel = initialStatus;
  private drawn = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(onDidChangeVisibility: (isVisible: boolean) => void) {
    this.view = vscode.window.createTreeView(views.overview, { treeDataProvider: this });
    this.view.onDidChangeVisibility(({ visible }) => {
      onDidChangeVisibility(visible);
      if (visible) this.draw();
    });
  }

  get isVisible(): boolean {
    return this.view.visible;
  }

  /** Draws this soon, if anybody looks. */
  show(status: StatusModel): void {
    this.status = status;
    if (!this.view.visible || this.timer !== undefined) return;
    this.timer = setTimeout(() => this.draw(), DRAW_AFTER_MS);
  }

  getChildren(row?: OverviewRow): OverviewRow[] {
    if (row !== undefined) return row.children ?? [];
    const rows = overviewRows(this.status, Date.now());
    this.drawn = JSON.stringify(rows);
    return rows;
  }

  getTreeItem(row: OverviewRow): vscode.TreeItem {
    const { TreeItemCollapsibleState: State } = vscode;
    const hasChildren = row.children !== undefined && row.children.length > 0;
    const item = new vscode.TreeItem(row.label, hasChildren ? State.Expanded : State.None);
    item.id = row.id;
    item.description = row.description;
    item.tooltip = row.description === '' ? row.label : `${row.label}: ${row.description}`;
    item.iconPath = new vscode.ThemeIcon(
      row.icon,
      row.colour === undefined ? undefined : new vscode.ThemeColor(row.colour),
    );
    if (row.command !== undefined) item.command = { command: row.command, title: row.label };
    return item;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.view.dispose();
    this.changes.dispose();
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    // A tree that is drawn anew loses what the pointer is over.
    if (JSON.stringify(overviewRows(this.status, Date.now())) !== this.drawn) this.changes.fire(undefined);
  }
}
