import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import {
  commands,
  contexts,
  internalCommands,
  settings,
  viewContainerId,
  views,
  walkthroughId,
} from '../../src/vscode/contributions.js';
import { LIVE_SETTINGS } from '../../src/vscode/settingValues.js';

interface Manifest {
  contributes: {
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    views: Record<string, { id: string }[]>;
    commands: { command: string; title: string; category: string }[];
    viewsWelcome: { view: string; when: string }[];
    menus: Record<string, { command: string }[]>;
    walkthroughs: { id: string; steps: { id: string; media: { svg: string }; completionEvents: string[] }[] }[];
    configuration: { properties: Record<string, { default: unknown; scope: string; markdownDescription: string }> };
  };
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const { contributes } = read<Manifest>('package.json');
const words = read<Record<string, string>>('package.nls.json');

describe('contributions', () => {
  it('are the commands of package.json, both ways', () => {
    assert.deepEqual(contributes.commands.map(({ command }) => command).sort(), Object.values(commands).sort());
  });

  it('keep internal commands out of the palette', () => {
    for (const id of Object.values(internalCommands)) {
      assert.ok(!contributes.commands.some(({ command }) => command === id), id);
    }
  });

  it('are the settings of package.json, both ways, with their defaults and scopes', () => {
    const inManifest = Object.entries(contributes.configuration.properties).map(([id, property]) => ({
      id,
      default: property.default,
      scope: property.scope,
    }));
    const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
    assert.deepEqual(inManifest.sort(byId), Object.values(settings).slice().sort(byId));
  });

  it('are the views of package.json, both ways', () => {
    assert.deepEqual(
      contributes.viewsContainers.activitybar.map(({ id }) => id),
      [viewContainerId],
    );
    assert.deepEqual(Object.keys(contributes.views), [viewContainerId]);
    assert.deepEqual(contributes.views[viewContainerId]?.map(({ id }) => id).sort(), Object.values(views).sort());
    for (const { icon } of contributes.viewsContainers.activitybar) assert.ok(existsSync(icon), icon);
  });

  it('have each setting that the gateway takes while it runs', () => {
    const ids: string[] = Object.values(settings).map(({ id }) => id);
    for (const name of LIVE_SETTINGS) assert.ok(ids.includes(`freellm.${name}`), name);
  });

  it('link to commands that there are, from every text', () => {
    const known: string[] = [...Object.values(commands), ...Object.values(internalCommands), `${views.overview}.focus`];
    for (const file of ['package.nls.json', 'package.nls.zh-cn.json']) {
      for (const [, id = ''] of readFileSync(file, 'utf8').matchAll(/\(command:(freellm\.[\w.]+)/g))
        assert.ok(known.includes(id), `${file}: ${id}`);
    }
    for (const { command } of Object.values(contributes.menus).flat()) assert.ok(known.includes(command), command);
  });

  it('are a walkthrough of five steps, each with a drawing and checked off by what happened', () => {
    const [walkthrough, ...others] = contributes.walkthroughs;
    assert.deepEqual([walkthrough?.id, others], [walkthroughId, []]);
    assert.equal(walkthrough?.steps.length, 5);
    for (const { media, completionEvents } of walkthrough?.steps ?? []) {
      assert.ok(existsSync(media.svg), media.svg);
      assert.match(completionEvents.join(), /^onContext:freellm\.\w+$/);
    }
  });

  it('go by the context keys of the table, both ways', () => {
    const steps = contributes.walkthroughs.flatMap(({ steps }) => steps);
    const inSteps = steps.flatMap(({ completionEvents }) => completionEvents.map((event) => event.split(':')[1]));
    const inWelcome = contributes.viewsWelcome.map(({ when }) => when);
    assert.deepEqual([...inSteps, ...inWelcome].sort(), Object.values(contexts).sort());
  });

  it('say everything through package.nls.json, and leave nothing unused in it', () => {
    const used = [...readFileSync('package.json', 'utf8').matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(words).sort());
  });
});
