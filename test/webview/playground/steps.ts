import {
  type Exchange,
  newId,
  newStep,
  type Step,
  type StepParams,
} from '../../../webview/lib/playground/conversation.js';
import { NO_SAMPLING } from '../../../webview/lib/playground/sampling.js';

export function params(change: Partial<StepParams> = {}): StepParams {
  return { model: 'auto', system: '', sampling: NO_SAMPLING, tools: '', ...change };
}

/** A step that was answered. */
export function step(content: string, change: Partial<Step> = {}): Step {
  return { ...newStep(params()), content, end: { kind: 'done', finish: 'stop' }, ...change };
}

/** A question with an answer for each column. */
export function exchange(text: string, ...answers: Step[][]): Exchange {
  return { id: newId(), text, attachments: [], answers: answers.map((steps) => ({ before: [], steps, after: [] })) };
}
