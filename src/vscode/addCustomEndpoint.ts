import * as vscode from 'vscode';
import type { NewKey } from '../protocol/api.js';
import type { AdminClient } from './adminClient.js';
import { baseUrlGuesses } from './baseUrlGuess.js';
import { checkLive, pickDoubt } from './keyCheck.js';
import { cleanKey } from './keyShapes.js';
import { askText, back, cancelled, isValue, pickSome, type Way } from './quickInput.js';

const TOTAL_STEPS = 5;

/** What to store, and how many models the server listed; null where it did not. */
export interface CustomEndpoint {
  key: NewKey;
  models: number | null;
}

/** Steps of a server of the user's own: base URL → name → key → models. Resolves with what to store. */
export async function askCustomEndpoint(client: AdminClient): Promise<Way<CustomEndpoint>> {
  const title = vscode.l10n.t('Add Custom Endpoint');
  const answers = ['', '', '', ''];
  let doubt: string | null = null;
  const server: { baseUrl: string; listed: string[] | null } = { baseUrl: '', listed: null };
  const draft = (): NewKey => {
    const [address = '', name = '', key = '', models = ''] = answers;
    return {
      provider: `custom:${name}`,
      baseUrl: server.baseUrl || address,
      label: 'main',
      ...(cleanKey(key) === '' ? {} : { key: cleanKey(key) }),
      ...(modelIds(models).length === 0 ? {} : { models: modelIds(models) }),
    };
  };
  const steps = [
    (step: number) =>
      askText({
        title,
        step,
        totalSteps: TOTAL_STEPS,
        value: answers[0] ?? '',
        placeholder: 'http://127.0.0.1:11434/v1',
        prompt: vscode.l10n.t('Base URL; /v1 at its end is found by itself'),
        validate: (url) => (isHttpUrl(url) ? null : vscode.l10n.t('A base URL starts with http:// or https://')),
      }),
    (step: number) =>
      askText({
        title,
        step,
        totalSteps: TOTAL_STEPS,
        value: answers[1] || suggestedName(answers[0] ?? ''),
        prompt: vscode.l10n.t('A short name; its models will be called custom:name/model'),
        validate: (name) =>
          /^[a-z0-9][a-z0-9_-]{0,39}$/.test(name)
            ? null
            : vscode.l10n.t('Use lower-case letters, digits, - and _, at most 40'),
      }),
    (step: number) =>
      askText({
        title,
        step,
        totalSteps: TOTAL_STEPS,
        value: answers[2] ?? '',
        isSecret: true,
        prompt: vscode.l10n.t('Key, or leave empty where none is needed'),
        onAccept: async (value, signal) => {
          answers[2] = value;
          answers[3] = '';
          doubt = null;
          for (const guess of baseUrlGuesses(answers[0] ?? '')) {
            server.baseUrl = guess;
            const found = await checkLive(client, draft(), signal, { name: answers[1] ?? '' });
            if (found.status === 'invalid') return found.message;
            server.listed = found.modelIds;
            if (found.status === 'healthy') {
              doubt = null;
              return null;
            }
            // Of two that do not answer as they should, what the first one said is nearer to what was typed.
            doubt ??= found.message;
          }
          server.baseUrl = baseUrlGuesses(answers[0] ?? '')[0] ?? '';
          return null;
        },
      }),
    (step: number) =>
      server.listed !== null && server.listed.length > 1
        ? pickModels(title, step, server.listed)
        : askText({
            title,
            step,
            totalSteps: TOTAL_STEPS,
            value: answers[3] ?? '',
            prompt: vscode.l10n.t('Model ids with commas between, or leave empty to ask the server'),
          }),
  ];
  for (let index = 0; index < steps.length; ) {
    const answer = await steps[index]?.(index + 2);
    if (answer === undefined || answer === cancelled) return cancelled;
    if (answer === back && index === 0) return back;
    if (isValue(answer)) answers[index] = answer;
    index += answer === back ? -1 : 1;
    if (index === steps.length && doubt !== null) {
      const choice = await pickDoubt(title, doubt);
      if (choice === cancelled) return cancelled;
      if (choice === 'again') index = 2;
    }
  }
  const key = draft();
  return { key, models: key.models?.length ?? server.listed?.length ?? null };
}

/** Which of the models that the server has; all of them is as good as none chosen, so that later ones come too. */
async function pickModels(title: string, step: number, listed: readonly string[]): Promise<Way<string>> {
  const chosen = await pickSome({
    ...{ title, step, totalSteps: TOTAL_STEPS },
    placeholder: vscode.l10n.t('Models to use; with all chosen, those that come later are used too'),
    items: listed.map((label) => ({ label, picked: true })),
  });
  if (!isValue(chosen)) return chosen;
  const isAll = chosen.length === 0 || chosen.length === listed.length;
  return isAll ? '' : chosen.map(({ label }) => label).join(',');
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** `http://lab.example:8000/v1` → `lab-example`; the port where the host says nothing. */
function suggestedName(url: string): string {
  if (!URL.canParse(url)) return '';
  const { hostname, port } = new URL(url);
  const isLocal = hostname === 'localhost' || /^[\d.]+$/.test(hostname) || hostname.startsWith('[');
  const name = isLocal ? `local${port === '' ? '' : `-${port}`}` : hostname.replace(/^(?:api|www)\./, '');
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
}

function modelIds(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
