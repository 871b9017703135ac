import * as vscode from 'vscode';
import { views } from './contributions.js';
import { pages } from './panels/pageTable.js';

/** The view behind the activity bar icon: a row for each page. */
export function registerOverview(): vscode.Disposable {
  const rows = pages.map((page) => {
    const row = new vscode.TreeItem(page.title());
    row.iconPath = new vscode.ThemeIcon(page.icon);
    row.command = { command: page.command, title: page.title() };
    return row;
  });
  return vscode.window.registerTreeDataProvider(views.overview, {
    getTreeItem: (row: vscode.TreeItem) => row,
    getChildren: () => rows,
  });
}
