import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { start, stop } from '../../scripts/lib/processes.mjs';
import type { Scene } from './scene.js';

/** A gateway that runs without VS Code, in a process of its own. */
export interface HeadlessGateway {
  /** Holds the process where it is: it answers nobody, and its connections stay open. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/** `freellm serve` of the installed extension, on the scene's data folder and port: its windows will follow it. */
export async function startHeadless(scene: Scene, config: object): Promise<HeadlessGateway> {
  const file = path.join(scene.host.folder, 'freellm.json');
  writeFileSync(file, JSON.stringify(config));
  mkdirSync(scene.dataFolder, { recursive: true });
  const args = ['serve', '--port', String(scene.port), '--data', scene.dataFolder, '--config', file];
  const child = start(process.execPath, [path.join(scene.extensionFolder, 'dist', 'cli.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the gateway ended before it listened: ${said}`)));
  });
  return {
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop() {
      child.kill('SIGCONT');
      return stop(child);
    },
  };
}
