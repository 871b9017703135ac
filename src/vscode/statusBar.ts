import * as vscode from 'vscode';
import { internalCommands, statusBarId } from './contributions.js';
import {
  faceOf,
  initialStatus,
  nextChangeIn,
  reduceStatus,
  type StatusInput,
  type StatusModel,
} from './statusModel.js';
import { faceLabel, faceText, tooltip } from './statusText.js';

/** The one status bar item: draws the model, again whenever an input or the passing of time changes its face. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private model: StatusModel = initialStatus;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.item = vscode.window.createStatusBarItem(statusBarId, vscode.StatusBarAlignment.Right, 100);
    this.item.name = 'FreeLLM';
    this.item.command = internalCommands.showMenu;
    this.draw();
    this.item.show();
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
    this.item.dispose();
  }

  private draw(): void {
    const now = Date.now();
    const face = faceOf(this.model, now);
    const text = faceText(face);
    if (this.item.text !== text) this.item.text = text;
    this.item.tooltip = tooltip(this.model);
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
}
