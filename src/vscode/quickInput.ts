import * as vscode from 'vscode';

/** The user went a step back, or left altogether. Neither is an error. */
export const back = Symbol('back');
export const cancelled = Symbol('cancelled');
export type Way<T> = T | typeof back | typeof cancelled;

/** Where in a series of steps an input stands; without a step there is no Back button. */
export interface Step {
  title: string;
  step: number;
  totalSteps: number;
}

export interface PickOptions<T extends vscode.QuickPickItem> extends Partial<Step> {
  title: string;
  placeholder: string;
  items: readonly T[];
  onItemButton?(item: T, button: vscode.QuickInputButton): void;
  /** Sees what is typed before it stays visible; may change the pick, or end it with an item. */
  onValue?(value: string, pick: vscode.QuickPick<T>, accept: (item: T) => void): void;
}

/** One quick pick, resolved by the accepted item. */
export function pickOne<T extends vscode.QuickPickItem>(options: PickOptions<T>): Promise<Way<T>> {
  const pick = vscode.window.createQuickPick<T>();
  pick.title = options.title;
  pick.step = options.step;
  pick.totalSteps = options.totalSteps;
  pick.placeholder = options.placeholder;
  pick.items = options.items;
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.ignoreFocusOut = options.step !== undefined;
  if ((options.step ?? 1) > 1) pick.buttons = [vscode.QuickInputButtons.Back];
  return new Promise((resolve) => {
    const end = (way: Way<T>): void => {
      resolve(way);
      pick.dispose();
    };
    pick.onDidAccept(() => {
      const item = pick.activeItems[0];
      if (item !== undefined) end(item);
    });
    pick.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) end(back);
    });
    pick.onDidTriggerItemButton(({ item, button }) => options.onItemButton?.(item, button));
    pick.onDidChangeValue((value) => options.onValue?.(value, pick, end));
    pick.onDidHide(() => end(cancelled));
    pick.show();
  });
}

/** A quick pick of any number of items; those with `picked` are chosen at first. */
export function pickSome<T extends vscode.QuickPickItem>(options: PickOptions<T> & Step): Promise<Way<readonly T[]>> {
  const pick = vscode.window.createQuickPick<T>();
  pick.canSelectMany = true;
  pick.title = options.title;
  pick.step = options.step;
  pick.totalSteps = options.totalSteps;
  pick.placeholder = options.placeholder;
  pick.items = options.items;
  pick.selectedItems = options.items.filter(({ picked }) => picked);
  pick.ignoreFocusOut = true;
  if (options.step > 1) pick.buttons = [vscode.QuickInputButtons.Back];
  return new Promise((resolve) => {
    const end = (way: Way<readonly T[]>): void => {
      resolve(way);
      pick.dispose();
    };
    pick.onDidAccept(() => end(pick.selectedItems));
    pick.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) end(back);
    });
    pick.onDidHide(() => end(cancelled));
    pick.show();
  });
}

export type Complaint = string | vscode.InputBoxValidationMessage | null;

export interface InputOptions extends Step {
  prompt: string;
  placeholder?: string;
  value?: string;
  isSecret?: boolean;
  /** In place, while typing; a string or an Error-severity message keeps the step from being accepted. */
  validate?(value: string): Complaint;
  /** Extra title buttons. */
  buttons?: readonly vscode.QuickInputButton[];
  onButton?(button: vscode.QuickInputButton): void;
  /**
   * Work before the value is taken, with the box busy and closed to typing. A complaint keeps the box open
   * under it; null accepts. The signal aborts when the user leaves.
   */
  onAccept?(value: string, signal: AbortSignal): Promise<Complaint>;
}

/** One input box, resolved by the accepted value, trimmed. */
export function askText(options: InputOptions): Promise<Way<string>> {
  const box = vscode.window.createInputBox();
  box.title = options.title;
  box.step = options.step;
  box.totalSteps = options.totalSteps;
  box.prompt = options.prompt;
  box.placeholder = options.placeholder;
  box.value = options.value ?? '';
  box.password = options.isSecret === true;
  box.ignoreFocusOut = true;
  box.buttons = [...(options.step > 1 ? [vscode.QuickInputButtons.Back] : []), ...(options.buttons ?? [])];
  const complain = (complaint: Complaint): void => {
    box.validationMessage = complaint ?? undefined;
  };
  return new Promise((resolve) => {
    const work = new AbortController();
    const end = (way: Way<string>): void => {
      resolve(way);
      work.abort();
      box.dispose();
    };
    box.onDidChangeValue((value) => complain(options.validate?.(value.trim()) ?? null));
    box.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) end(back);
      else options.onButton?.(button);
    });
    box.onDidHide(() => end(cancelled));
    box.onDidAccept(async () => {
      const value = box.value.trim();
      const objection = options.validate?.(value) ?? null;
      if (isBlocking(objection)) return complain(objection);
      if (options.onAccept !== undefined) {
        box.busy = true;
        box.enabled = false;
        complain(null);
        const complaint = await options.onAccept(value, work.signal);
        if (work.signal.aborted) return;
        box.busy = false;
        box.enabled = true;
        if (complaint !== null) return complain(complaint);
      }
      end(value);
    });
    box.show();
    if (options.value) complain(options.validate?.(options.value) ?? null);
  });
}

function isBlocking(complaint: Complaint): boolean {
  if (complaint === null) return false;
  return typeof complaint === 'string' || complaint.severity === vscode.InputBoxValidationSeverity.Error;
}

/** Is this a value, and not a way out? */
export function isValue<T>(way: Way<T>): way is T {
  return way !== back && way !== cancelled;
}
