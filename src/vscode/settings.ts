import * as vscode from 'vscode';
import type { ApiSettings } from '../protocol/settings.js';
import type { Strategy } from '../protocol/strategyNames.js';
import { settings } from './contributions.js';
import { LOG_LEVELS, type LogLevel } from './logger.js';
import { gatewaySettings, isPort, LIVE_SETTINGS, type LiveSetting } from './settingValues.js';

/** What the status bar item shows: who answered, only its icon, or nothing. */
const STATUS_BAR = ['route', 'icon', 'hidden'] as const;
export type StatusBarMode = (typeof STATUS_BAR)[number];

/** What the user set, with nonsense replaced by the default. */
export interface FreellmSettings {
  port: number;
  host: string;
  statusBar: StatusBarMode;
  logLevel: LogLevel;
  /** What the gateway takes while it runs. */
  gateway: ApiSettings;
}

/** The one reader of our settings. */
export function readSettings(): FreellmSettings {
  const config = vscode.workspace.getConfiguration();
  const read = (id: string) => config.get<unknown>(id);
  const [port, host] = [read(settings.port.id), read(settings.host.id)];
  return {
    port: isPort(port) ? port : settings.port.default,
    host: typeof host === 'string' && host.trim() !== '' ? host.trim() : settings.host.default,
    statusBar: STATUS_BAR.find((mode) => mode === read(settings.statusBar.id)) ?? settings.statusBar.default,
    logLevel: LOG_LEVELS.find((level) => level === read(settings.logLevel.id)) ?? settings.logLevel.default,
    gateway: readLive(LIVE_SETTINGS),
  };
}

/** Those of the gateway's settings that this event touches; null for none. */
export function changedLive(event: vscode.ConfigurationChangeEvent): ApiSettings | null {
  const names = LIVE_SETTINGS.filter((name) => event.affectsConfiguration(`freellm.${name}`));
  return names.length === 0 ? null : readLive(names);
}

/** Does this event touch a setting of ours that the gateway only reads at its start? */
export function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  return [settings.port, settings.host].some((setting) => event.affectsConfiguration(setting.id));
}

/** Writes the port for this machine (user settings; in a remote window, the remote's). */
export async function writePort(port: number): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.port.id, port, vscode.ConfigurationTarget.Global);
}

/** Puts the demo provider into the chain, by its setting. */
export async function switchDemoOn(): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.demo.id, true, vscode.ConfigurationTarget.Global);
}

/** Writes the strategy for this machine, so that the next start does not go back to another; undefined: takes it out. */
export async function writeStrategy(strategy: Strategy | undefined): Promise<void> {
  await vscode.workspace.getConfiguration().update(settings.strategy.id, strategy, vscode.ConfigurationTarget.Global);
}

/** Our settings as the user wrote them, by id; those that nobody set are left out. */
export function settingsAsSet(): Record<string, unknown> {
  const config = vscode.workspace.getConfiguration();
  const all = Object.values(settings).map(({ id }) => [id, config.inspect<unknown>(id)?.globalValue] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** Only what somebody set: a default must not hide what was chosen on a page. */
function readLive(names: readonly LiveSetting[]): ApiSettings {
  const config = vscode.workspace.getConfiguration();
  return gatewaySettings(names, (name) => config.inspect<unknown>(`freellm.${name}`)?.globalValue);
}
