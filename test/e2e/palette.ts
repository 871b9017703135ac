import type { Workbench } from '../host/workbench.js';

const TOAST_MS = 20_000;

/** Waits until the quick input shows this step of its flow (`Add Custom Endpoint (2/5)`), then answers it. */
export async function answerStep(workbench: Workbench, step: string, text: string): Promise<void> {
  await atStep(workbench, step);
  await workbench.answer(text);
}

/** Resolves when the quick input shows this step. */
export async function atStep(workbench: Workbench, step: string): Promise<void> {
  await workbench.page.locator('.quick-input-title', { hasText: `(${step})` }).waitFor();
}

/**
 * Resolves when VS Code has told this. A toast goes by itself after some seconds, which a busy machine may sleep through:
 * then it is looked for where VS Code keeps what it told.
 */
export async function noticed(workbench: Workbench, text: string): Promise<void> {
  const toast = workbench.notification(text).first();
  const isSeen = await toast.waitFor({ timeout: TOAST_MS }).then(
    () => true,
    () => false,
  );
  if (isSeen) return;
  await workbench.runCommand('Notifications: Show Notifications');
  await workbench.page
    .locator('.notifications-center .notification-list-item')
    .filter({ hasText: text })
    .first()
    .waitFor();
}

export interface Endpoint {
  baseUrl: string;
  name: string;
  key: string;
}

/** FreeLLM: Add Key → Custom endpoint… → URL, name, key, models asked from the server. Leaves its notification open. */
export async function addEndpoint(workbench: Workbench, { baseUrl, name, key }: Endpoint): Promise<void> {
  await workbench.runCommand('FreeLLM: Add Key');
  await workbench.pick('Custom endpoint');
  await answerStep(workbench, '2/5', baseUrl);
  await answerStep(workbench, '3/5', name);
  await answerStep(workbench, '4/5', key);
  await answerStep(workbench, '5/5', '');
  await noticed(workbench, `${name} is in the chain`);
}
