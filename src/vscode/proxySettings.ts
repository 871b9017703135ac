import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';
import type { ProxySettings } from '../protocol/worker.js';
import { resolveProxy } from './proxyResolution.js';

/** The `http.*` settings of VS Code that concern us; changing one hands new proxy settings to the gateway. */
const NAMES = [
  'http.proxy',
  'http.noProxy',
  'http.proxyStrictSSL',
  'http.proxyAuthorization',
  'http.proxySupport',
  'http.systemCertificates',
] as const;

/**
 * VS Code patches its proxy into the extension host's main thread only, so the worker is told here what it
 * would have done: `http.proxy`, else the environment; nothing when `http.proxySupport` is `off`.
 */
export function readProxySettings(certificates: string[]): ProxySettings {
  const config = vscode.workspace.getConfiguration('http');
  return resolveProxy(
    {
      proxy: config.get<unknown>('proxy'),
      noProxy: config.get<unknown>('noProxy'),
      strictTls: config.get<unknown>('proxyStrictSSL'),
      authorization: config.get<unknown>('proxyAuthorization'),
      support: config.get<unknown>('proxySupport'),
    },
    process.env,
    certificates,
  );
}

/** Did this change touch what `readProxySettings` reads? */
export function affectsProxy(event: vscode.ConfigurationChangeEvent): boolean {
  return NAMES.some((name) => event.affectsConfiguration(name));
}

/**
 * The operating system's certificates as PEM, `[]` where the user does not want them or Node cannot tell
 * (`tls.getCACertificates` came with Node 22.15). Read in a short-lived thread: a big keychain takes hundreds
 * of milliseconds, and the main thread belongs to every extension of the window.
 */
export function loadSystemCertificates(): Promise<string[]> {
  if (vscode.workspace.getConfiguration('http').get('systemCertificates') === false) return Promise.resolve([]);
  return new Promise((resolve) => {
    const script = `
      const { parentPort } = require('node:worker_threads');
      const tls = require('node:tls');
      parentPort.postMessage(typeof tls.getCACertificates === 'function' ? tls.getCACertificates('system') : []);`;
    const thread = new Worker(script, { eval: true });
    thread.once('message', (found: string[]) => resolve(found));
    thread.once('error', () => resolve([]));
    thread.once('exit', () => resolve([]));
    thread.unref();
  });
}
