import * as vscode from 'vscode';
import { attempt, type GatewayAccess, type PublicEndpoint } from './gatewayAccess.js';
import { copied, endpointCopied } from './notices.js';
import { isValue, pickOne } from './quickInput.js';

interface FormatItem extends vscode.QuickPickItem {
  render(): string | Promise<string>;
}

/** FreeLLM: Copy Endpoint and Token. Both at once, as the variables every OpenAI client reads; other shapes on demand. */
export function copyEndpoint(access: GatewayAccess): Promise<void> {
  return attempt(vscode.l10n.t('The endpoint was not copied'), async () => {
    const endpoint = await access.publicEndpoint();
    if (endpoint === null) return;
    await vscode.env.clipboard.writeText(asEnvironment(endpoint));
    const wish = await endpointCopied();
    if (wish === 'url') await copy(vscode.l10n.t('base URL'), endpoint.baseUrl);
    else if (wish === 'token') await copy(vscode.l10n.t('token'), endpoint.token);
    else if (wish === 'other') await copyOther(endpoint);
  });
}

async function copyOther(endpoint: PublicEndpoint): Promise<void> {
  const { baseUrl, token } = endpoint;
  const choice = await pickOne<FormatItem>({
    title: vscode.l10n.t('Copy Endpoint and Token'),
    placeholder: vscode.l10n.t('Choose a format'),
    items: [
      {
        label: vscode.l10n.t('Environment variables'),
        detail: 'OPENAI_BASE_URL=… OPENAI_API_KEY=…',
        render: () => asEnvironment(endpoint),
      },
      {
        label: vscode.l10n.t('Two plain lines'),
        detail: vscode.l10n.t('base URL, then token'),
        render: () => `${baseUrl}\n${token}\n`,
      },
      { label: vscode.l10n.t('Base URL'), detail: baseUrl, render: () => baseUrl },
      { label: vscode.l10n.t('Token'), detail: mask(token), render: () => token },
      {
        label: vscode.l10n.t('curl command'),
        detail: `curl ${baseUrl}/chat/completions …`,
        render: () => asCurl(endpoint),
      },
      {
        label: vscode.l10n.t('For the browser or another machine'),
        detail: vscode.l10n.t('The address VS Code forwards this port to'),
        render: async () => asEnvironment({ baseUrl: await forwarded(baseUrl), token }),
      },
    ],
  });
  if (isValue(choice)) await copy(choice.label, await choice.render());
}

async function copy(what: string, text: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  copied(what);
}

function asEnvironment({ baseUrl, token }: PublicEndpoint): string {
  return `OPENAI_BASE_URL=${baseUrl}\nOPENAI_API_KEY=${token}\n`;
}

function asCurl({ baseUrl, token }: PublicEndpoint): string {
  const body = '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}';
  return `curl ${baseUrl}/chat/completions -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" -d '${body}'\n`;
}

/** The only caller of asExternalUri: it may open a port to the outside, so only when asked for. */
async function forwarded(baseUrl: string): Promise<string> {
  return (await vscode.env.asExternalUri(vscode.Uri.parse(baseUrl))).toString(true).replace(/\/$/, '');
}

function mask(token: string): string {
  return `freellmapi-…${token.slice(-4)}`;
}
