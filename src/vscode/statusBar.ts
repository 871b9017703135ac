import * as vscode from 'vscode';
import { internalCommands, settings, statusBarId } from './contributions.js';
import { readSettings, type StatusBarMode } from './settings.js';
import {
  faceOf,
  initialStatus,
  nextChangeIn,
  reduceStatus,
  type StatusInput,
  type StatusModel,
} from './statusModel.js';
import { faceLabel, faceText, tooltip } from './statusText.js';

const HOVER_EVERY_MS = 500;

/** The one status bar item: draws the model, again whenever an input or the passing of time changes its face. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private model: StatusModel = initialStatus;
  private mode: StatusBarMode = 'route';
  private timer: NodeJS.Timeout | undefined;
  private hoverTimer: NodeJS.Timeout | undefined;
  private hoverAt = 0;
  private readonly changes: vscode.Disposable;

  constructor() {
    this.item = vscode.window.createStatusBarItem(statusBarId, vscode.StatusBarAlignment.Right, 100);
    this.item.name = 'FreeLLM';
    this.item.command = internalCommands.showMenu;
    this.draw();
    this.changes = vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settings.statusBar.id)) this.setMode(readSettings().statusBar);
    });
    this.setMode(readSettings().statusBar);
  }

  get status(): StatusModel {
    return this.model;
  }

  accept(input: StatusInput): void {
    const next = reduceStatus(this.model, input);
    if (next === this.model) return;
    this.model = next;
    this.draw();
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.hoverTimer);
    this.changes.dispose();
    this.item.dispose();
  }

  private setMode(mode: StatusBarMode): void {
    this.mode = mode;
    if (mode === 'hidden') this.item.hide();
    else this.item.show();
    this.draw();
  }

  private draw(): void {
    const now = Date.now();
    const face = faceOf(this.model, now);
    const text = faceText(face, this.mode === 'icon');
    if (this.item.text !== text) this.item.text = text;
    this.drawHover(now);
    this.item.accessibilityInformation = { label: faceLabel(face), role: 'button' };
    // A fresh install is not an alarm: without any key the sign is enough.
    const isWarning = face.kind === 'noAnswer' && face.isSetUp;
    this.item.backgroundColor =
      face.kind === 'stopped' && face.reason !== 'closed'
        ? new vscode.ThemeColor('statusBarItem.errorBackground')
        : isWarning
          ? new vscode.ThemeColor('statusBarItem.warningBackground')
          : undefined;
    clearTimeout(this.timer);
    const wait = nextChangeIn(this.model, now);
    if (wait !== null) this.timer = setTimeout(() => this.draw(), wait);
  }

  /** It is long, and nobody sees it most of the time: twice a second is enough under load. */
  private drawHover(now: number): void {
    clearTimeout(this.hoverTimer);
    const wait = this.hoverAt + HOVER_EVERY_MS - now;
    if (wait > 0) {
      this.hoverTimer = setTimeout(() => this.drawHover(Date.now()), wait);
      return;
    }
    this.hoverAt = now;
    this.item.tooltip = tooltip(this.model, now);
  }
}
