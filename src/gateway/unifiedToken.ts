import { createTokenCheck } from './http/access.js';
import { HttpError } from './http/errors.js';
import { LedgerError } from './ledger/ledger.js';

export interface UnifiedTokenPorts {
  /** Keeps a new token; resolves when it is safe. Without it the token is what it is. */
  save: ((token: string) => Promise<void>) | undefined;
  create(): string;
}

/** The token that clients hold. It can be replaced while requests run: those keep what they have. */
export class UnifiedToken {
  private token: string;
  private check: (token: string) => boolean;

  constructor(
    token: string,
    private readonly ports: UnifiedTokenPorts,
  ) {
    this.token = token;
    this.check = createTokenCheck(token);
  }

  get current(): string {
    return this.token;
  }

  /** In constant time. */
  matches(token: string): boolean {
    return this.check(token);
  }

  /**
   * Another token, from now on the only one. It is kept before it holds.
   * @throws HttpError 409 where it comes from the config file or the command line, LedgerError `not-saved`.
   */
  async rotate(): Promise<void> {
    const { save, create } = this.ports;
    if (save === undefined) {
      const message = 'The token is given by the config file or at start: change it there';
      throw new HttpError(409, 'invalid_request_error', 'token_in_config', message);
    }
    const token = create();
    try {
      await save(token);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LedgerError('not-saved', `The token could not be stored, and is the same as before: ${why}`, { cause });
    }
    this.token = token;
    this.check = createTokenCheck(token);
  }
}
