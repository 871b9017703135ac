import assert from 'node:assert/strict';
import {
  type Answer,
  type Step,
  turned,
  type Versions,
  withNewVersion,
} from '../../../webview/lib/playground/conversation.js';
import { bounded, readKept } from '../../../webview/lib/playground/kept.js';
import { bodyOf } from '../../../webview/lib/playground/request.js';
import { exchange, params, step } from './steps.js';

const words = (versions: Versions<Step>) => {
  const of = (version: Step[]) => version.map(({ content }) => content).join('+');
  return [versions.before.map(of), of(versions.steps), versions.after.map(of)];
};
const answer = (...contents: string[]): Answer => ({
  before: contents.slice(0, -1).map((content) => [step(content)]),
  steps: [step(contents.at(-1) ?? '')],
  after: [],
});

describe('versions of an answer', () => {
  it('are all kept when another is asked for, which comes last', () => {
    assert.deepEqual(words(withNewVersion(answer('one'))), [['one'], '', []]);
    const earlier = turned(answer('one', 'two', 'three'), 'before');
    assert.deepEqual(words(withNewVersion(earlier)), [['one', 'two', 'three'], '', []]);
  });

  it('are not kept where they said nothing', () => {
    const failed = { end: { kind: 'failed' as const, message: 'm', status: 500, code: null, retryAfterSeconds: null } };
    assert.deepEqual(words(withNewVersion({ before: [], steps: [step('', failed)], after: [] })), [[], '', []]);
    const called = step('', { calls: [{ id: 'c', name: 'f', arguments: '{}', result: null }] });
    assert.equal(withNewVersion({ before: [], steps: [called], after: [] }).before.length, 1);
  });

  it('are turned one by one, no farther than there are some', () => {
    const all = answer('one', 'two');
    const first = turned(all, 'before');
    assert.deepEqual(words(first), [[], 'one', ['two']]);
    assert.deepEqual(words(turned(first, 'before')), words(first));
    assert.deepEqual(words(turned(first, 'after')), words(all));
    assert.deepEqual(words(turned(all, 'after')), words(all));
  });

  it('that are shown are what the next question goes with', () => {
    const asked = { ...exchange('q'), answers: [turned(answer('one', 'two'), 'before')] };
    const { messages } = bodyOf(params(), [asked], exchange('and?'), [], 0);
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['q', 'one', 'and?'],
    );
  });

  it('are kept with the page, and let go first where that is too much', () => {
    const kept = (all: Answer) => ({ ...readKept(null), exchanges: [{ ...exchange('q'), answers: [all] }] });
    const three = kept(turned(answer('one', 'two', 'three'), 'before'));
    assert.deepEqual(readKept(JSON.parse(JSON.stringify(bounded(three)))), three);
    const [long] = bounded(kept(answer('x'.repeat(300_000), 'y'.repeat(300_000)))).exchanges;
    assert.equal(long?.answers[0]?.before.length, 0);
    assert.equal(long?.answers[0]?.steps[0]?.content.length, 300_000);
  });

  it('that an older version of the page saved are one', () => {
    const { exchanges } = readKept({ exchanges: [{ ...exchange('q'), answers: [{ steps: [step('only')] }] }] });
    assert.deepEqual(words(exchanges[0]?.answers[0] as Answer), [[], 'only', []]);
  });
});
