import * as vscode from 'vscode';
import { redact, redactFields } from '../protocol/redact.js';
import { settings } from './contributions.js';
import { isLogged, type Logger, type LogLevel } from './logger.js';
import { RecentLines } from './recentLines.js';
import { readSettings } from './settings.js';

export interface Log {
  channel: vscode.LogOutputChannel;
  log: Logger;
  /** The last warnings and errors. */
  recent: RecentLines;
  watching: vscode.Disposable;
}

/**
 * The output channel `FreeLLM` and a logger that writes `[component] message {fields}` to it, from the level that
 * the user set.
 */
export function createLog(): Log {
  const channel = vscode.window.createOutputChannel('FreeLLM', { log: true });
  const recent = new RecentLines();
  let least = readSettings().logLevel;
  const watching = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(settings.logLevel.id)) least = readSettings().logLevel;
  });
  const write = (level: LogLevel, component: string, message: string, fields?: Record<string, unknown>): void => {
    if (!isLogged(level, least)) return;
    const tail = fields === undefined ? '' : ` ${JSON.stringify(redactFields(fields))}`;
    const line = `[${component}] ${redact(message)}${tail}`;
    if (level === 'warn' || level === 'error') recent.add(Date.now(), level, line);
    // The channel has a level of its own, which only the user can set: one that asked for debug lines gets to see them.
    if (level === 'debug' && channel.logLevel > vscode.LogLevel.Debug) channel.info(`(debug) ${line}`);
    else channel[level](line);
  };
  const at =
    (level: LogLevel): Logger[LogLevel] =>
    (component, message, fields) =>
      write(level, component, message, fields);
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { channel, recent, watching, log };
}
