import * as vscode from 'vscode';
import { STRATEGIES, type Strategy } from '../protocol/strategyNames.js';
import { settings } from './contributions.js';

/** What the user set, with nonsense replaced by the default. */
export interface FreellmSettings {
  port: number;
  host: string;
  demo: boolean;
  /** null: nobody chose one, so that what was chosen on a page holds. */
  strategy: Strategy | null;
}

/** The one reader of our settings. */
export function readSettings(): FreellmSettings {
  const config = vscode.workspace.getConfiguration();
  const port = config.get<unknown>(settings.port.id);
  const host = config.get<unknown>(settings.host.id);
  const strategy = config.inspect<unknown>(settings.strategy.id)?.globalValue;
  return {
    port: isPort(port) ? port : settings.port.default,
    host: typeof host === 'string' && host.trim() !== '' ? host.trim() : settings.host.default,
    demo: config.get<unknown>(settings.demo.id) === true,
    strategy: STRATEGIES.find((name) => name === strategy) ?? null,
  };
}

/** Writes the port for this machine (user settings; in a remote window, the remote's). */
export async function writePort(port: number): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.port.id, port, vscode.ConfigurationTarget.Global);
}

/** Writes the strategy for this machine, so that the next start does not go back to another; undefined: takes it out. */
export async function writeStrategy(strategy: Strategy | undefined): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.strategy.id, strategy, vscode.ConfigurationTarget.Global);
}

/** Does this event touch a setting of ours that the gateway only reads at its start? */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  const { strategy: _taken, ...readAtStart } = settings;
  return Object.values(readAtStart).some((setting) => event.affectsConfiguration(setting.id));
}

/** A TCP port a server may listen on. */
export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** Does a gateway bound to this host serve this machine only? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
