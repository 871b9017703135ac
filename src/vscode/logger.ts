import { redact } from '../protocol/redact.js';

/** The one way to log on the editor side. English, one line each, redacted; never prompts or answers. */
export interface Logger {
  debug(component: string, message: string, fields?: Record<string, unknown>): void;
  info(component: string, message: string, fields?: Record<string, unknown>): void;
  warn(component: string, message: string, fields?: Record<string, unknown>): void;
  error(component: string, message: string, fields?: Record<string, unknown>): void;
}

/** An unknown thrown thing as words for a log or a message, redacted. */
export function describeError(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error));
}
