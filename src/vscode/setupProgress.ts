import * as vscode from 'vscode';
import { contexts } from './contributions.js';
import { initialSetup, type Setup, setupAfter } from './setupModel.js';
import type { StatusInput } from './statusModel.js';

/** Tells VS Code how far the user has come, as context keys: the welcome view and the walkthrough go by them. */
export class SetupProgress {
  private setup: Setup = initialSetup;
  private isLooking = false;
  private hasUse = false;

  accept(input: StatusInput): void {
    if (input.type === 'overview.read') this.hasUse = input.overview.tight.length > 0;
    this.show(setupAfter(this.setup, input));
    this.noteQuota();
  }

  /** Whether what shows quotas can be seen right now. */
  setLooking(isLooking: boolean): void {
    this.isLooking = isLooking;
    this.noteQuota();
  }

  /** What shows quotas was opened. */
  quotasSeen(): void {
    if (this.hasUse && !this.setup.hasSeenQuota) this.show({ ...this.setup, hasSeenQuota: true });
  }

  private noteQuota(): void {
    if (this.isLooking) this.quotasSeen();
  }

  private show(next: Setup): void {
    const names = Object.keys(contexts) as (keyof Setup)[];
    for (const name of names.filter((each) => next[each] !== this.setup[each])) {
      void vscode.commands.executeCommand('setContext', contexts[name], next[name]);
    }
    this.setup = next;
  }
}
