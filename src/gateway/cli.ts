import { mkdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../../package.json';
import { redact } from '../protocol/redact.js';
import { ConfigError, type ConfigFile, parseConfig } from './config/configFile.js';
import { createGateway } from './gateway.js';
import {
  type Identity,
  loadIdentity,
  type ReplacedIdentity,
  replacedText,
  saveToken,
  unkeptIdentity,
} from './identity.js';
import { createJsonLog, filterLog, isLogLevel } from './jsonLog.js';
import { createVault, VaultError } from './keys/vault.js';
import { LedgerError } from './ledger/ledger.js';
import { loadSqlite } from './ledger/sqlite.js';
import { errorCode } from './ledger/storage.js';
import { wasmFile } from './ledger/wasmFile.js';
import { proxyFromEnvironment } from './net/proxy.js';
import type { Log, LogLevel } from './ports.js';
import { PROVIDERS } from './providers/table.js';
import { systemClock } from './systemClock.js';

const USAGE = `freellm serve [--port 3001] [--host 127.0.0.1] [--data DIR] [--config FILE] [--demo] [--log-level info]
  Serves the free tiers of your providers as one OpenAI-compatible endpoint.
  --port       0 takes a free port
  --host       other than 127.0.0.1 opens the gateway to the network
  --data       where the ledger, the tokens and the keys are kept (default: ~/.freellm)
  --config     JSON with comments: tokens, providers and keys, chain, settings
  --demo       puts the built-in demo provider into the chain
  --log-level  debug, info, warn or error; logs go to standard error
`;

/** A mistake of the caller: one line on standard error, exit code 2. */
class UsageError extends Error {}

interface ServeOptions {
  port: number;
  host: string;
  dataDir: string;
  config: ConfigFile;
  demo: boolean;
  logLevel: LogLevel;
}

/** How long running streams may go on after SIGTERM; all is over within 3 s. */
const GRACE_MS = 2_500;

async function main(args: string[], folder: string): Promise<void> {
  const [command, ...rest] = args;
  if (command === '--version' || command === '-v') return void process.stdout.write(`${version}\n`);
  if (command === undefined || command === '--help' || command === '-h' || rest.includes('--help')) {
    return void process.stdout.write(USAGE);
  }
  if (command !== 'serve') throw new UsageError(`unknown command ${JSON.stringify(command)}; there is: serve`);
  // Beside reading the options and binding; what fails here fails again where it is waited for.
  loadSqlite(wasmFile(folder)).catch(() => undefined);
  await serve(readOptions(rest), folder);
}

async function serve(options: ServeOptions, folder: string): Promise<void> {
  const log = filterLog(
    createJsonLog((line) => void process.stderr.write(line), systemClock.now),
    options.logLevel,
  );
  makeDataDir(options.dataDir);
  const identity = identityOf(options, log);
  const vault = createVault(options.dataDir, process.env.FREELLM_ENCRYPTION_KEY);
  const gateway = createGateway(
    { clock: systemClock, log },
    {
      ...identity,
      version,
      host: options.host,
      port: options.port,
      config: options.config,
      dataDir: options.dataDir,
      wasmFile: wasmFile(folder),
      readKeys: async () => vault.read(),
      saveToken: async (token) => void saveToken(options.dataDir, identity, token),
      saveKeys: (keys) => vault.save(keys),
      proxy: proxyFromEnvironment(process.env),
      ...(options.demo ? { demo: true } : {}),
    },
  );
  const stop = () => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    void gateway.close(GRACE_MS).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const { url, token, adminToken } = await gateway.listen().catch((error: unknown) => {
    throw listenError(error, options);
  });
  if (!['127.0.0.1', '::1', 'localhost'].includes(options.host)) {
    log.log('warn', 'gateway', `Bound to ${options.host}: whoever reaches it and has the token spends your quotas`);
  }
  process.stdout.write(`${JSON.stringify({ event: 'listening', url, token, adminToken })}\n`);
}

function readOptions(args: string[]): ServeOptions {
  const values = parseFlags(args);
  const port = Number(values.port ?? 3001);
  if (!/^\d+$/.test(values.port ?? '3001') || port > 65_535)
    throw new UsageError(`--port: ${values.port || '(empty)'} is not a port`);
  // Node takes an empty host for every interface.
  if (values.host?.trim() === '') throw new UsageError('--host: is empty');
  const logLevel = values['log-level'] ?? 'info';
  if (!isLogLevel(logLevel)) throw new UsageError('--log-level: expected debug, info, warn or error');
  return {
    port,
    host: values.host ?? '127.0.0.1',
    dataDir: path.resolve(values.data ?? path.join(os.homedir(), '.freellm')),
    config: values.config === undefined ? {} : readConfig(values.config),
    demo: values.demo ?? false,
    logLevel,
  };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        config: { type: 'string' },
        demo: { type: 'boolean' },
        'log-level': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(firstLine(error));
  }
}

function readConfig(file: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--config ${file}: ${firstLine(error)}`);
  }
  try {
    return parseConfig(
      text,
      PROVIDERS.map(({ id }) => id),
    );
  } catch (error) {
    // Whatever else it throws (nesting deeper than the stack) is the file's fault, too.
    throw new UsageError(`${file}: ${error instanceof ConfigError ? error.message : firstLine(error)}`);
  }
}

/** A folder that is there and cannot be written is another matter: the gateway reads it and goes on from memory. */
function makeDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir);
  } catch (error) {
    const found = kindOf(dataDir);
    if (found === 'folder') return;
    const why = found === 'file' ? 'this is a file, not a folder' : `this folder cannot be made (${firstLine(error)})`;
    throw new UsageError(`--data ${dataDir}: ${why}`);
  }
}

/** Node's own `recursive` never returns where a folder is there and nothing can be made in it (/proc). */
function makeFolder(folder: string): void {
  const parent = path.dirname(folder);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || parent === folder || kindOf(parent) === 'folder') throw error;
    makeFolder(parent);
    mkdirSync(folder, { mode: 0o700 });
  }
}

function kindOf(place: string): 'file' | 'folder' | null {
  try {
    return statSync(place).isDirectory() ? 'folder' : 'file';
  } catch {
    return null;
  }
}

function identityOf({ config, dataDir }: ServeOptions, log: Log): Identity {
  const onReplaced = (replaced: ReplacedIdentity) => {
    // What the config file says holds in any case.
    const hasNewToken = replaced.hasNewToken && !(config.token && config.adminToken);
    log.log('warn', 'gateway', replacedText({ ...replaced, hasNewToken }));
  };
  try {
    return loadIdentity(dataDir, {}, onReplaced);
  } catch (error) {
    if (config.token && config.adminToken)
      return unkeptIdentity({ token: config.token, adminToken: config.adminToken });
    throw new UsageError(`--data ${dataDir}: ${firstLine(error)}`);
  }
}

function listenError(error: unknown, { host, port, dataDir }: ServeOptions): unknown {
  if (error instanceof LedgerError) return new UsageError(`--data ${dataDir}: ${error.message}`);
  if (error instanceof VaultError) return new UsageError(error.message);
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE') return new UsageError(`port ${port} on ${host} is taken; choose another with --port`);
  if (code === 'EACCES') return new UsageError(`port ${port} may not be opened by this user; choose one above 1023`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new UsageError(`--host: ${host} is no address of this machine`);
  return error;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

/**
 * The command line: what it answers goes to standard output, one JSON line when it listens. Exits with 2 after a mistake of
 * the caller, with 1 after one of ours.
 * @param args after the program's name
 * @param folder where the program lies, sql.js's wasm beside it
 */
export function runCli(args: string[], folder: string): void {
  main(args, folder).catch((error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`freellm: ${redact(error.message.replace(/\s+/g, ' '))}\n`);
      process.exit(2);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
}
