import type { PageId } from '../../protocol/pages.js';

/** The part of VS Code's Memento that is needed. */
export interface Store {
  get(key: string): unknown;
  update(key: string, value: unknown): unknown;
}

const KEY = 'pages.firstReads';

/** What each page asked first when it was opened last: paths of the admin API, kept from window to window. */
export class FirstReads {
  constructor(private readonly store: Store) {}

  of(page: PageId): readonly string[] {
    const paths = this.all()[page];
    return Array.isArray(paths) ? paths.filter((path): path is string => typeof path === 'string') : [];
  }

  keep(page: PageId, paths: readonly string[]): void {
    if (paths.join('\n') === this.of(page).join('\n')) return;
    void this.store.update(KEY, { ...this.all(), [page]: [...paths] });
  }

  private all(): Record<string, unknown> {
    const all = this.store.get(KEY);
    return typeof all === 'object' && all !== null ? { ...all } : {};
  }
}
