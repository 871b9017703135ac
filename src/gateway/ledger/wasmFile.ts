import { existsSync } from 'node:fs';
import path from 'node:path';

const NAME = 'sql-wasm.wasm';

/** Where sql.js's wasm is: beside the bundle in `folder`, or, for a run from the sources, in node_modules. */
export function wasmFile(folder: string): string {
  const beside = path.join(folder, NAME);
  return existsSync(beside) ? beside : path.resolve(folder, '../../node_modules/sql.js/dist', NAME);
}
