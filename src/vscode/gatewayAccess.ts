import * as vscode from 'vscode';
import type { VerifiedConnection } from '../loopback/verifiedConnection.js';
import { ApiError } from '../protocol/apiClient.js';
import { AdminClient } from './adminClient.js';
import { commands } from './contributions.js';
import { type GatewayHost, isUp } from './gatewayHost.js';
import type { LeaderConnections } from './leaderConnections.js';
import { describeError } from './logger.js';
import { actionFailed, gatewayNotRunning } from './notices.js';

/** What clients need. */
export interface PublicEndpoint {
  /** `http://127.0.0.1:3001/v1` */
  baseUrl: string;
  token: string;
}

/** How commands reach the gateway, whether or not it runs right now. */
export class GatewayAccess {
  constructor(
    private readonly host: GatewayHost,
    private readonly connections: LeaderConnections,
  ) {}

  /** A client of the gateway, whichever window runs it; null (and the user was told) when there is none. Waits up to 6 s for a start. */
  async client(): Promise<AdminClient | null> {
    const connection = await this.connection();
    return connection === null ? null : new AdminClient(connection);
  }

  /** The same, for what the client does not do. */
  async connection(): Promise<VerifiedConnection | null> {
    const state = await this.host.settled(6_000);
    const connection = isUp(state) ? this.connections.current() : null;
    if (connection !== null) return connection;
    const choice = await gatewayNotRunning();
    if (choice === 'restart') await vscode.commands.executeCommand(commands.restartGateway);
    if (choice === 'showLog') await vscode.commands.executeCommand(commands.showLog);
    return null;
  }

  async publicEndpoint(): Promise<PublicEndpoint | null> {
    return (await (await this.client())?.endpoint()) ?? null;
  }
}

/** Runs what the user asked for; what fails is told under this headline. Leaving is not failing. */
export async function attempt(headline: string, job: () => Promise<void>): Promise<void> {
  try {
    await job();
  } catch (error) {
    if (error instanceof vscode.CancellationError) return;
    actionFailed(headline, errorWords(error));
  }
}

/** An error as words for the user, in their language where the words are ours. */
export function errorWords(error: unknown): string {
  if (error instanceof ApiError && error.kind === 'unreachable') {
    return vscode.l10n.t('the gateway cannot be reached');
  }
  return describeError(error);
}

/** A notification with progress and Cancel; the signal aborts when it is pressed or `parent` aborts. */
export function withCancellableProgress<T>(
  title: string,
  parent: AbortSignal | null,
  job: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return Promise.resolve(
    vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      (_progress, token) => {
        const cancel = new AbortController();
        token.onCancellationRequested(() => cancel.abort(new vscode.CancellationError()));
        parent?.addEventListener('abort', () => cancel.abort(new vscode.CancellationError()), { once: true });
        return job(cancel.signal);
      },
    ),
  );
}
