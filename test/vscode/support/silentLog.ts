import type { Logger } from '../../../src/vscode/logger.js';

/** A logger that keeps its lines, to look for secrets in them. */
export function silentLog(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const write = (component: string, message: string, fields?: Record<string, unknown>): void => {
    lines.push(`[${component}] ${message} ${JSON.stringify(fields ?? {})}`);
  };
  return { lines, debug: write, info: write, warn: write, error: write };
}
