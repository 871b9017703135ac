// The same suite in a desktop VS Code, which @vscode/test-electron downloads from update.code.visualstudio.com.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { freePort } from '../../scripts/lib/freePort.mjs';
import { root } from '../../scripts/lib/prepare.mjs';
import { bundleSuite, suiteSettings } from './bundleSuite.js';

async function main(): Promise<number> {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'freellm-electron-'));
  const results = process.env.FREELLM_RESULTS ?? path.join(root, 'test-results', 'electron.json');
  try {
    mkdirSync(path.join(profile, 'User'), { recursive: true });
    const settings = { 'security.workspace.trust.enabled': false, ...suiteSettings(await freePort()) };
    writeFileSync(path.join(profile, 'User', 'settings.json'), JSON.stringify(settings));
    return await runTests({
      extensionDevelopmentPath: root,
      extensionTestsPath: await bundleSuite(),
      cachePath: path.join(os.homedir(), '.cache', 'freellm', 'vscode-electron'),
      extensionTestsEnv: {
        FREELLM_DEV_TOKEN: `freellmapi-test-${randomBytes(16).toString('hex')}`,
        FREELLM_RESULTS: results,
      },
      launchArgs: [`--user-data-dir=${profile}`, '--disable-extensions', '--no-sandbox'],
    });
  } finally {
    if (existsSync(`${results}.log`)) console.log(readFileSync(`${results}.log`, 'utf8'));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
