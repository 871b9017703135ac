/**
 * Everything package.json contributes, once, as types: code names commands and settings only through
 * here, and a test compares this table with package.json both ways.
 */

/** Commands in the palette. Titles are in package.nls.json under `command.<name>`. */
export const commands = {
  addKey: 'freellm.addKey',
  openKeys: 'freellm.openKeys',
  openChain: 'freellm.openChain',
  openAnalytics: 'freellm.openAnalytics',
  copyEndpoint: 'freellm.copyEndpoint',
  testKeys: 'freellm.testKeys',
  restartGateway: 'freellm.restartGateway',
  diagnose: 'freellm.diagnose',
  showLog: 'freellm.showLog',
} as const;

/** Commands that only our own surfaces run; not contributed, so not in the palette. */
export const internalCommands = {
  showMenu: 'freellm.internal.showMenu',
  tryDemo: 'freellm.internal.tryDemo',
  askOnce: 'freellm.internal.askOnce',
} as const;

/** The icon in the activity bar, and the views behind it. */
export const viewContainerId = 'freellm';
export const views = { overview: 'freellm.overview' } as const;

/** What `when` clauses and the walkthrough's steps go by. */
export const contexts = {
  /** Nothing was added yet, and the demo is off. Not set before the gateway said so. */
  isFresh: 'freellm.isFresh',
  hasKeys: 'freellm.hasKeys',
  /** Somebody got an answer. */
  hasAnswered: 'freellm.hasAnswered',
  /** A client asked that is not this extension. */
  hasClient: 'freellm.hasClient',
  /** VS Code's own chat asked. */
  hasChat: 'freellm.hasChat',
  /** The overview or the Keys page was looked at while some quota was used. */
  hasSeenQuota: 'freellm.hasSeenQuota',
} as const;

export const walkthroughId = 'freellm.start';

interface Setting<T> {
  id: string;
  default: T;
  /** `machine`: never from a workspace, so that a repository cannot repoint the gateway. */
  scope: 'machine';
}

export const settings = {
  port: { id: 'freellm.port', default: 3001, scope: 'machine' },
  host: { id: 'freellm.host', default: '127.0.0.1', scope: 'machine' },
  demo: { id: 'freellm.demo', default: false, scope: 'machine' },
  strategy: { id: 'freellm.strategy', default: 'balanced', scope: 'machine' },
  strategyWeights: {
    id: 'freellm.strategyWeights',
    default: { reliability: 0.35, speed: 0.2, intelligence: 0.3, headroom: 0.15 },
    scope: 'machine',
  },
  stickyMinutes: { id: 'freellm.stickyMinutes', default: 30, scope: 'machine' },
  contextHandoff: { id: 'freellm.contextHandoff', default: true, scope: 'machine' },
  queueTimeoutSeconds: { id: 'freellm.queue.timeoutSeconds', default: 60, scope: 'machine' },
  healthProbes: { id: 'freellm.healthProbes', default: true, scope: 'machine' },
  retentionDays: { id: 'freellm.retentionDays', default: 90, scope: 'machine' },
  statusBar: { id: 'freellm.statusBar', default: 'route', scope: 'machine' },
  logLevel: { id: 'freellm.logLevel', default: 'info', scope: 'machine' },
} as const satisfies Record<string, Setting<unknown>>;

/** Full id in the workbench: `freellm.freellm.freellm.status` (publisher.name.id). */
export const statusBarId = 'freellm.status';
