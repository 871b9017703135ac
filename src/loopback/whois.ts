import type { Socket } from 'node:net';
import { isNonce, newNonce, verifyProof } from './proof.js';

/** What `/api/whois` answers. */
export interface WhoisAnswer {
  app: 'freellm';
  instance: string;
  version: string;
  /** The ledger's schema that this version writes. */
  schema: number;
  proof: string;
}

/** A gateway that has proved to hold our secret. */
export type ProvenGateway = Omit<WhoisAnswer, 'app' | 'proof'>;

/** Why a connection may not be used for anything secret. */
export class WhoisError extends Error {
  override readonly name = 'WhoisError';
  constructor(
    /**
     * `stranger`: what answered is not our gateway; `silent`: nothing came in time; `gone`: the connection was refused
     * or ended before an answer; `replaced`: our gateway, but another instance than the one meant.
     */
    readonly kind: 'stranger' | 'silent' | 'gone' | 'replaced',
    message: string,
    options?: ErrorOptions & { code?: string | undefined },
  ) {
    super(message, options);
    this.code = options?.code;
  }

  /** The system's code, where there is one. */
  readonly code: string | undefined;
}

export interface WhoisQuestion {
  /** The gateway's own secret, which the answer must prove. */
  secret: string;
  /** For connecting and answering together. */
  timeoutMs: number;
}

const HEAD_END = '\r\n\r\n';
/** A proof is some 200 bytes; a stranger may send anything. */
const LARGEST_ANSWER = 8 * 1024;

/**
 * Asks who is at the other end of this very socket (connected or connecting), before anything secret goes over it. Sends
 * nothing but a random nonce. The socket stays open and can be used for HTTP afterwards; on an error it is destroyed.
 * @throws WhoisError
 */
export function askWhois(socket: Socket, { secret, timeoutMs }: WhoisQuestion): Promise<ProvenGateway> {
  const nonce = newNonce();
  return new Promise((resolve, reject) => {
    let received = '';
    const finish = (result: ProvenGateway | WhoisError): void => {
      clearTimeout(timer);
      socket.off('connect', ask).off('data', read).off('error', failed).off('close', ended).off('end', ended);
      if (result instanceof WhoisError) {
        // Whatever it still says is not heard.
        socket.on('error', () => {}).destroy();
        reject(result);
      } else resolve(result);
    };
    const ask = (): void => {
      const { remoteAddress = '', remotePort, remoteFamily } = socket;
      const host = remoteFamily === 'IPv6' ? `[${remoteAddress}]` : remoteAddress;
      socket.write(`GET /api/whois?nonce=${nonce} HTTP/1.1\r\nHost: ${host}:${remotePort}\r\n\r\n`);
    };
    const read = (bytes: Buffer): void => {
      received += bytes.toString('latin1');
      const answer = splitAnswer(received);
      if (answer === 'more') return;
      if (answer === 'wrong') finish(new WhoisError('stranger', 'What listens there is not FreeLLM'));
      else finish(proven(answer, secret, nonce, socket.remotePort ?? 0));
    };
    const failed = (cause: NodeJS.ErrnoException): void =>
      finish(new WhoisError('gone', cause.message, { cause, code: cause.code }));
    const ended = (): void => finish(new WhoisError('gone', 'The connection ended before an answer'));
    const timer = setTimeout(() => finish(new WhoisError('silent', 'Nothing answered in time')), timeoutMs);
    socket.on('data', read).on('error', failed).on('close', ended).on('end', ended);
    if (socket.connecting) socket.once('connect', ask);
    else ask();
  });
}

/** The body of an answer once it is whole. Ours has a length and nothing after it; all else is wrong. */
function splitAnswer(received: string): string | 'more' | 'wrong' {
  const headEnd = received.indexOf(HEAD_END);
  if (received.length > LARGEST_ANSWER || !'HTTP/1.1 200'.startsWith(received.slice(0, 12))) return 'wrong';
  if (headEnd < 0) return 'more';
  const length = /\r\ncontent-length: *(\d{1,4})\r\n/i.exec(received.slice(0, headEnd + 2))?.[1];
  if (length === undefined) return 'wrong';
  const body = received.slice(headEnd + HEAD_END.length);
  if (body.length < Number(length)) return 'more';
  return body.length === Number(length) ? body : 'wrong';
}

function proven(body: string, secret: string, nonce: string, port: number): ProvenGateway | WhoisError {
  const stranger = (why: string) => new WhoisError('stranger', why);
  let answer: Partial<WhoisAnswer> | null;
  try {
    answer = JSON.parse(body) as Partial<WhoisAnswer> | null;
  } catch {
    return stranger('What listens there is not FreeLLM');
  }
  if (answer?.app !== 'freellm') return stranger('What listens there is not FreeLLM');
  const { instance, version, schema, proof } = answer;
  const isWhole =
    isNonce(instance) && typeof version === 'string' && typeof schema === 'number' && typeof proof === 'string';
  if (!isWhole || !verifyProof(secret, { nonce, port, instance }, proof)) {
    return stranger('It calls itself FreeLLM but does not hold the secret of this data folder');
  }
  return { instance, version, schema };
}
