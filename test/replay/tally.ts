import type { Recording } from './recordings.js';

/** Counts what was replayed and what was not. */
export class Tally {
  readonly accounted = new Set<string>();
  private readonly providers = new Map<string, { files: number; exchanges: number }>();
  private readonly reasons = new Map<string, number>();
  private withoutChat = 0;

  replayed(recording: Recording, exchanges: number): void {
    this.accounted.add(recording.file);
    const row = this.providers.get(recording.provider) ?? { files: 0, exchanges: 0 };
    this.providers.set(recording.provider, { files: row.files + 1, exchanges: row.exchanges + exchanges });
  }

  noChat(recording: Recording): void {
    this.accounted.add(recording.file);
    this.withoutChat += 1;
  }

  leaveOut(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  report(): string {
    const rows = [...this.providers].sort(([a], [b]) => (a < b ? -1 : 1));
    const files = rows.reduce((sum, [, row]) => sum + row.files, 0);
    const exchanges = rows.reduce((sum, [, row]) => sum + row.exchanges, 0);
    const leftOut = [...this.reasons.values()].reduce((sum, count) => sum + count, 0);
    const lines = [
      `replayed: ${files} files, ${exchanges} exchanges`,
      ...rows.map(([name, row]) => `  ${name}: ${row.files} files, ${row.exchanges} exchanges`),
      `left out: ${this.withoutChat} files without any chat; ${leftOut} exchanges`,
      ...[...this.reasons].map(([reason, count]) => `  ${count} × ${reason}`),
    ];
    return lines.map((line) => `      ${line}`).join('\n');
  }
}
