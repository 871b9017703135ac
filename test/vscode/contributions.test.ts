import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { commands, internalCommands, settings, viewContainerId, views } from '../../src/vscode/contributions.js';

interface Manifest {
  contributes: {
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    views: Record<string, { id: string }[]>;
    commands: { command: string; title: string; category: string }[];
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

  it('say everything through package.nls.json, and leave nothing unused in it', () => {
    const used = [...readFileSync('package.json', 'utf8').matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(words).sort());
  });
});
