import path from 'node:path';
import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';
import type { GatewayNotice, WorkerStart } from '../protocol/worker.js';
import { commands, settings } from './contributions.js';
import { developmentToken } from './devMode.js';
import { GatewayHost, type HostState, isUp } from './gatewayHost.js';
import { describeError, type Logger } from './logger.js';
import { gatewayCrashed, gatewayFailed, hostIsOpen, ledgerNotice, needsReload, portTaken } from './notices.js';
import { affectsProxy, loadSystemCertificates, readProxySettings } from './proxySettings.js';
import { askText, isValue } from './quickInput.js';
import type { SecretStore } from './secretStore.js';
import { changedLive, needsRestart, readSettings, writePort } from './settings.js';
import { isLoopback, isPort } from './settingValues.js';

/** A burst of changed settings means one restart. */
const RESTART_AFTER_MS = 300;
const LATEST_CERTIFICATES_MS = 5_000;

/** Ties the gateway's supervisor to VS Code: its settings, secrets, proxy, window and notices. */
export class Supervision implements vscode.Disposable {
  readonly host: GatewayHost;
  private certificates: string[] = [];
  private readonly disposables: vscode.Disposable[] = [];
  private timer: NodeJS.Timeout | undefined;
  private hasToldCrash = false;
  private lastTold = '';
  private lastNotice = '';

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly secrets: SecretStore,
    private readonly log: Logger,
  ) {
    this.host = new GatewayHost({
      readStart: () => this.readStart(),
      createThread: (start) => this.createThread(start),
      readKeys: () => secrets.readKeys(),
      saveKeys: (keys) => secrets.saveKeys(keys),
      saveTokens: (tokens) => secrets.saveTokens(tokens),
      onNotice: (notice) => this.notice(notice),
      log,
    });
    this.disposables.push(
      this.host.onDidChangeState((state) => void this.tell(state)),
      vscode.workspace.onDidChangeConfiguration((event) => this.settingsChanged(event)),
      context.secrets.onDidChange(({ key }) => void this.secretsChanged(key)),
    );
  }

  /** Starts the gateway without holding anyone up; certificates follow when the system has told them. */
  begin(): void {
    void this.host.start();
    void this.addSystemCertificates();
  }

  /** After the gateway listens: starting a second thread beside it would only slow both. */
  private async addSystemCertificates(): Promise<void> {
    await this.host.settled(LATEST_CERTIFICATES_MS);
    this.certificates = await loadSystemCertificates();
    if (this.certificates.length > 0) this.host.setProxy(readProxySettings(this.certificates));
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private async readStart(): Promise<WorkerStart> {
    const { port, host, gateway } = readSettings();
    return {
      host,
      port,
      settings: gateway,
      seed: await this.readSeed(),
      developmentToken: developmentToken(this.context.extensionMode),
      dataDir: this.context.globalStorageUri.fsPath,
      proxy: readProxySettings(this.certificates),
      version: String(this.context.extension.packageJSON.version),
      logLevel: 'debug',
    };
  }

  /** Only a data folder without tokens needs them: a keyring that does not open must not keep the gateway from starting. */
  private async readSeed(): Promise<WorkerStart['seed']> {
    try {
      return await this.secrets.readTokens();
    } catch (error) {
      this.log.warn('host', `tokens could not be read: ${describeError(error)}`);
      return {};
    }
  }

  private createThread(start: WorkerStart): Worker {
    const file = path.join(this.context.extensionPath, 'dist', 'worker.js');
    const thread = new Worker(file, { workerData: start, name: 'freellm-gateway', stdout: true, stderr: true });
    thread.stdout.on('data', (bytes) => this.log.debug('thread', String(bytes).trimEnd()));
    thread.stderr.on('data', (bytes) => this.log.warn('thread', String(bytes).trimEnd()));
    return thread;
  }

  private settingsChanged(event: vscode.ConfigurationChangeEvent): void {
    if (affectsProxy(event)) this.host.setProxy(readProxySettings(this.certificates));
    const changed = changedLive(event);
    if (changed !== null) this.host.changeSettings(changed);
    if (!needsRestart(event)) return;
    const { host } = readSettings();
    if (event.affectsConfiguration(settings.host.id) && !isLoopback(host)) hostIsOpen(host);
    this.restartSoon();
  }

  private async secretsChanged(name: string): Promise<void> {
    if (await this.secrets.hasChangedElsewhere(name)) this.host.replaceKeys(await this.secrets.readKeys());
  }

  private restartSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.host.restart(), RESTART_AFTER_MS);
  }

  private async tell(state: HostState): Promise<void> {
    if (isUp(state)) this.lastTold = '';
    if (state.kind !== 'stopped') return;
    // The same trouble again, met by a retry of our own, is not news.
    const news = `${state.reason} ${state.reason === 'error' ? state.message : readSettings().port}`;
    if (state.reason === 'port-taken' && this.lastTold !== news) {
      this.lastTold = news;
      const choice = await portTaken(readSettings().port);
      if (choice === 'changePort') await this.changePort();
      if (choice === 'retry') this.retry();
    } else if (state.reason === 'needs-reload' && this.lastTold !== news) {
      this.lastTold = news;
      if (await needsReload()) await vscode.commands.executeCommand('workbench.action.reloadWindow');
    } else if (state.reason === 'error' && this.lastTold !== news) {
      this.lastTold = news;
      await this.follow(await gatewayFailed(state.message));
    } else if (state.reason === 'crashed' && !this.hasToldCrash) {
      this.hasToldCrash = true;
      await this.follow(await gatewayCrashed());
    }
  }

  private async follow(choice: 'restart' | 'showLog' | null): Promise<void> {
    if (choice === 'restart') this.retry();
    if (choice === 'showLog') await vscode.commands.executeCommand(commands.showLog);
  }

  /** What the user asked for may be told again. */
  private retry(): void {
    this.lastTold = '';
    void this.host.restart();
  }

  private async changePort(): Promise<void> {
    const { port } = readSettings();
    const answer = await askText({
      title: vscode.l10n.t('Change Port'),
      step: 1,
      totalSteps: 1,
      value: String(port + 1),
      prompt: vscode.l10n.t('Clients must then use this port too'),
      validate: (text) => (isPort(Number(text)) ? null : vscode.l10n.t('A port is a number from 1 to 65535')),
    });
    if (!isValue(answer)) return;
    this.lastTold = '';
    await writePort(Number(answer));
  }

  /** Each once, until another comes. */
  private notice(notice: GatewayNotice): void {
    const news = `${notice.kind} ${notice.file ?? ''}`;
    if (news !== this.lastNotice) ledgerNotice(notice);
    this.lastNotice = news;
  }
}
