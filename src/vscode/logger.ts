import { redact } from '../protocol/redact.js';

/** From the least to the most important. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The one way to log on the editor side. English, one line each, redacted; never prompts or answers. */
export interface Logger {
  debug(component: string, message: string, fields?: Record<string, unknown>): void;
  info(component: string, message: string, fields?: Record<string, unknown>): void;
  warn(component: string, message: string, fields?: Record<string, unknown>): void;
  error(component: string, message: string, fields?: Record<string, unknown>): void;
}

/** Whether a line of this level is written where `least` is the least that is. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}

/** An unknown thrown thing as words for a log or a message, redacted. */
export function describeError(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error));
}
