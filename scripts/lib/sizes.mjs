// What may be shipped: the budgets of the design. Node's built-ins only.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** Of a page's script and styles together, compressed. */
export const PAGE_BYTES = 150_000;
export const PACKAGE_BYTES = 1_500_000;

/**
 * @param {string} folder with a `.js` and perhaps a `.css` for each page
 * @returns {{ page: string, bytes: number }[]} compressed
 */
export function pageSizes(folder) {
  const names = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name));
  const pages = new Map();
  for (const name of names) {
    const page = name.replace(/\.\w+$/, '');
    pages.set(page, (pages.get(page) ?? 0) + gzipSync(readFileSync(path.join(folder, name))).length);
  }
  return [...pages].map(([page, bytes]) => ({ page, bytes }));
}

/** @param {string} folder @throws Error naming every page that is too large */
export function checkPages(folder) {
  const large = pageSizes(folder).filter(({ bytes }) => bytes >= PAGE_BYTES);
  if (large.length === 0) return;
  const words = large.map(({ page, bytes }) => `${page} has ${bytes} bytes compressed`).join(', ');
  throw new Error(`${words}; a page may have ${PAGE_BYTES}`);
}

/** @param {string} file a packaged extension @throws Error when it is too large */
export function checkPackage(file) {
  const { size } = statSync(file);
  if (size >= PACKAGE_BYTES) throw new Error(`${path.basename(file)} has ${size} bytes; it may have ${PACKAGE_BYTES}`);
}
