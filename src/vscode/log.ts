import * as vscode from 'vscode';
import { redact, redactFields } from '../protocol/redact.js';
import type { Logger } from './logger.js';

/** The output channel `FreeLLM` and a logger that writes `[component] message {fields}` to it. */
export function createLog(): { channel: vscode.LogOutputChannel; log: Logger } {
  const channel = vscode.window.createOutputChannel('FreeLLM', { log: true });
  const line = (component: string, message: string, fields?: Record<string, unknown>): string => {
    const tail = fields === undefined ? '' : ` ${JSON.stringify(redactFields(fields))}`;
    return `[${component}] ${redact(message)}${tail}`;
  };
  const log: Logger = {
    debug: (component, message, fields) => channel.debug(line(component, message, fields)),
    info: (component, message, fields) => channel.info(line(component, message, fields)),
    warn: (component, message, fields) => channel.warn(line(component, message, fields)),
    error: (component, message, fields) => channel.error(line(component, message, fields)),
  };
  return { channel, log };
}
