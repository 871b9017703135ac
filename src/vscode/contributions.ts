/**
 * Everything package.json contributes, once, as types: code names commands and settings only through
 * here, and a test compares this table with package.json both ways.
 */

/** Commands in the palette. Titles are in package.nls.json under `command.<name>`. */
export const commands = {
  addKey: 'freellm.addKey',
  openKeys: 'freellm.openKeys',
  openChain: 'freellm.openChain',
  copyEndpoint: 'freellm.copyEndpoint',
  restartGateway: 'freellm.restartGateway',
  showLog: 'freellm.showLog',
} as const;

/** Commands that only our own surfaces run; not contributed, so not in the palette. */
export const internalCommands = {
  showMenu: 'freellm.internal.showMenu',
} as const;

/** The icon in the activity bar, and the views behind it. */
export const viewContainerId = 'freellm';
export const views = { overview: 'freellm.overview' } as const;

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
} as const satisfies Record<string, Setting<unknown>>;

/** Full id in the workbench: `freellm.freellm.freellm.status` (publisher.name.id). */
export const statusBarId = 'freellm.status';
