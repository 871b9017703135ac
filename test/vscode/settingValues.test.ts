import assert from 'node:assert/strict';
import { gatewaySettings, isLoopback, LIVE_SETTINGS, type LiveSetting } from '../../src/vscode/settingValues.js';

const read = (values: Partial<Record<LiveSetting, unknown>>) => gatewaySettings(LIVE_SETTINGS, (name) => values[name]);
const given = (values: Partial<Record<LiveSetting, unknown>>) =>
  Object.fromEntries(Object.entries(read(values)).filter(([, value]) => value !== undefined));

describe('settings of the editor', () => {
  it('are all told, those that nobody set as undefined', () => {
    assert.deepEqual(Object.keys(read({})), LIVE_SETTINGS);
    assert.deepEqual(given({}), {});
  });

  it('reach the gateway as they are', () => {
    const values = {
      ...{ demo: true, strategy: 'fastest', stickyMinutes: 0, contextHandoff: false, 'queue.timeoutSeconds': 5 },
      ...{ healthProbes: false, retentionDays: 1 },
      strategyWeights: { reliability: 1, speed: 0, intelligence: 0.5, headroom: 0 },
    };
    assert.deepEqual(given(values), values);
  });

  it('are left out where they are nonsense', () => {
    const nonsense = {
      ...{ demo: 'yes', strategy: 'best', stickyMinutes: -1, contextHandoff: 1, 'queue.timeoutSeconds': 1.5 },
      ...{ healthProbes: null, retentionDays: 0, strategyWeights: { reliability: -2 } },
    };
    assert.deepEqual(given(nonsense), {});
    for (const strategyWeights of [{}, null, 'x', { speed: '1' }]) assert.deepEqual(given({ strategyWeights }), {});
  });

  it('weigh nothing where a part is left out', () => {
    const strategyWeights = { reliability: 0, speed: 20, intelligence: 0, headroom: 0 };
    assert.deepEqual(given({ strategyWeights: { speed: 20 } }), { strategyWeights });
  });

  it('know which hosts serve this machine alone', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '[::1]', '127.1.2.3']) assert.ok(isLoopback(host), host);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org']) assert.ok(!isLoopback(host), host);
  });
});
