import { redact } from '../protocol/redact.js';
import type { Log, LogLevel } from './ports.js';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export function isLogLevel(text: string): text is LogLevel {
  return (LEVELS as readonly string[]).includes(text);
}

/** Drops what is below `level`. */
export function filterLog(log: Log, level: LogLevel): Log {
  const least = LEVELS.indexOf(level);
  return {
    log(lineLevel, component, message, fields) {
      if (LEVELS.indexOf(lineLevel) >= least) log.log(lineLevel, component, message, fields);
    },
  };
}

/** One JSON object a line, redacted. */
export function createJsonLog(write: (line: string) => void, now: () => number): Log {
  return {
    log(level, component, message, fields) {
      const line = JSON.stringify({ ...fields, time: new Date(now()).toISOString(), level, component, message });
      write(`${redact(line)}\n`);
    },
  };
}
