import type { Log } from '../ports.js';
import type { LedgerNotice } from './ledger.js';
import { errorCode } from './storage.js';

/** What can fail to be written. */
export type DiskArea = 'journal' | 'image';

const FAILING: Record<DiskArea, string> = {
  journal: 'FreeLLM cannot save: what happens is kept in memory until the disk takes writes again.',
  image: 'FreeLLM cannot rewrite its database file: new changes are saved in the journal beside it.',
};

/** Says once that the disk refuses writes, and once that it takes them again. */
export class DiskHealth {
  private readonly failing = new Set<DiskArea>();

  constructor(
    private readonly log: Log,
    private readonly onNotice: (notice: LedgerNotice) => void,
  ) {}

  isFailing(area: DiskArea): boolean {
    return this.failing.has(area);
  }

  failed(area: DiskArea, error: unknown): void {
    if (this.failing.has(area)) return;
    this.failing.add(area);
    this.log.log('error', 'ledger', FAILING[area], { error: errorCode(error) });
    if (this.failing.size > 1) return;
    this.onNotice({ kind: 'not-saving', message: `${FAILING[area]} ${diskAdvice(error)}`, file: null });
  }

  worked(area: DiskArea): void {
    if (!this.failing.delete(area)) return;
    this.log.log('info', 'ledger', 'the disk takes writes again', { area });
    if (this.failing.size > 0) return;
    this.onNotice({ kind: 'saving-again', message: 'FreeLLM can save again.', file: null });
  }
}

/** What the user can do about a failed write, as a sentence. */
export function diskAdvice(error: unknown): string {
  const code = errorCode(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk is full: free some space.';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'The folder is read-only: make it writable.';
    default:
      return `Check the disk${code === '' ? '' : ` (${code})`}.`;
  }
}
