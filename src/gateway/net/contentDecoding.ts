import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/**
 * A streaming decoder for a `content-encoding`, or null for identity and for encodings we do not know. We ask for
 * identity; this is for servers that compress anyway. Every upstream flush comes out as soon as it is in.
 */
export function createContentDecoder(encoding: string | undefined): Transform | null {
  const sync = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(sync);
    case 'deflate':
      return createInflate(sync);
    case 'br':
      return createBrotliDecompress({
        flush: constants.BROTLI_OPERATION_FLUSH,
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
      });
    default:
      return null;
  }
}
