import { type LeaderEndpoint, VerifiedConnection } from '../loopback/verifiedConnection.js';

/** The one connection to whichever gateway leads, here or in another window; made anew when that is somewhere else. */
export class LeaderConnections {
  private made: { endpoint: LeaderEndpoint; connection: VerifiedConnection } | null = null;

  constructor(private readonly endpoint: () => LeaderEndpoint | null) {}

  /** Null where no gateway is known. Commands may keep it over a change of leader: it finds the next one itself. */
  current(): VerifiedConnection | null {
    const endpoint = this.endpoint();
    if (endpoint === null) return null;
    if (this.made?.endpoint.url !== endpoint.url || this.made.endpoint.secret !== endpoint.secret) {
      this.dispose();
      this.made = { endpoint, connection: new VerifiedConnection(endpoint) };
    }
    return this.made.connection;
  }

  dispose(): void {
    this.made?.connection.dispose();
    this.made = null;
  }
}
