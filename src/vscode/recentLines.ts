const MOST = 40;
const LONGEST = 400;

/** The last warnings and errors of the log, for a bug report. As redacted as the log is. */
export class RecentLines {
  private readonly lines: string[] = [];

  /** @param at ms since the epoch */
  add(at: number, level: 'warn' | 'error', line: string): void {
    const short = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
    this.lines.push(`${new Date(at).toISOString()} [${level}] ${short}`);
    if (this.lines.length > MOST) this.lines.shift();
  }

  /** Oldest first. */
  all(): readonly string[] {
    return this.lines;
  }
}
