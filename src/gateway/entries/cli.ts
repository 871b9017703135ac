import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadGateway } from './loadGateway.js';

const args = process.argv.slice(2);
// What is wrong with the arguments is told by whoever takes them all.
const { data } = parseArgs({ args, strict: false, options: { data: { type: 'string' } } }).values;
const dataDir = typeof data === 'string' ? path.resolve(data) : path.join(os.homedir(), '.freellm');
loadGateway(__dirname, dataDir).runCli(args, __dirname);
