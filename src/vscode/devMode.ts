import * as vscode from 'vscode';

/**
 * The unified token that `npm start` and the in-host tests chose, so that they can ask the gateway they
 * opened without reading a secret from anywhere. Null in an installed extension, whatever the environment says.
 *
 * @param mode `context.extensionMode`
 * @param environment the extension host's environment; it inherits `FREELLM_DEV_TOKEN` from who started it
 */
export function developmentToken(
  mode: vscode.ExtensionMode,
  environment: NodeJS.ProcessEnv = process.env,
): string | null {
  if (mode === vscode.ExtensionMode.Production) return null;
  return environment.FREELLM_DEV_TOKEN || null;
}
