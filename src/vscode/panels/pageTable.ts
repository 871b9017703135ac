import * as vscode from 'vscode';
import type { PageId } from '../../protocol/pages.js';
import { commands } from '../contributions.js';

export interface Page {
  id: PageId;
  /** Also what VS Code asks us to restore after a reload. */
  viewType: string;
  /** Name of `dist/webview/<entry>.js` and `.css`. */
  entry: string;
  /** Codicon of its row in the view; `media/pages/<icon>-light.svg` and `-dark.svg` are the same for its tab. */
  icon: string;
  command: string;
  title(): string;
}

/** The pages that exist, in the order of their tabs. */
export const pages: readonly Page[] = [
  {
    id: 'keys',
    viewType: 'freellm.keys',
    entry: 'keys',
    icon: 'key',
    command: commands.openKeys,
    title: () => vscode.l10n.t('Keys'),
  },
  {
    id: 'chain',
    viewType: 'freellm.chain',
    entry: 'chain',
    icon: 'list-ordered',
    command: commands.openChain,
    title: () => vscode.l10n.t('Fallback Chain'),
  },
  {
    id: 'analytics',
    viewType: 'freellm.analytics',
    entry: 'analytics',
    icon: 'graph',
    command: commands.openAnalytics,
    title: () => vscode.l10n.t('Analytics'),
  },
];

export function pageOf(id: PageId): Page | undefined {
  return pages.find((page) => page.id === id);
}
