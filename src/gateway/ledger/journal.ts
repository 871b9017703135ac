import { crc32 } from 'node:zlib';
import type { LedgerChange } from './changes.js';
import { SCHEMA_VERSION } from './schema.js';

/**
 * A journal file: a header of `HEADER_BYTES` bytes, then records, each the payload's length (u32), its CRC-32 (u32) and
 * the payload, JSON. Numbers are little-endian. A record is a change with its sequence number, or tells of an image.
 */
const MAGIC = 'FLLEDGER';
const FORMAT_VERSION = 1;
export const HEADER_BYTES = 64;
/** Where the header's own checksum lies; the bytes before it are what it is of. */
const CHECKSUM_AT = 60;
const RECORD_HEAD = 8;
/** Longer than any change: what claims to be is not a record. */
const MAX_PAYLOAD = 64 * 1024 * 1024;
/** How a change's payload begins: its number is read without parsing the rest, and a record is found by it. */
const CHANGE_START = '{"seq":';
const IMAGE_START = '{"image":';

export interface JournalHeader {
  /** Of the FreeLLM that wrote it. */
  schemaVersion: number;
  /** Rises with every journal of a folder. */
  generation: number;
  /** Names the database that it belongs to: 32 hex digits. */
  databaseId: string;
  /** The last number before this journal: what an older journal holds beyond it was never saved. */
  after: number;
}

/** An image that was completed. */
export interface ImageFacts {
  /** The first journal that it does not hold; no two images have the same. */
  generation: number;
  bytes: number;
  crc: number;
  /** SQLite's count of changes to the file, by which an image that a tool has edited is told from a damaged one. */
  counter: number;
}

/** Where a change lies; decoded only when it is needed. */
export interface ChangeAt {
  seq: number;
  start: number;
  end: number;
}

export interface JournalContents {
  header: JournalHeader;
  /** Whether the header was damaged: then it is what its file's name and the first record tell. */
  isHeaderLost: boolean;
  bytes: Buffer;
  changes: ChangeAt[];
  images: ImageFacts[];
  /** Where the last good record ends; less than the file's length when its tail is torn. */
  end: number;
  /** Whether good records come after a bad one: the file was damaged, not torn. */
  isDamaged: boolean;
}

export function encodeHeader(header: Omit<JournalHeader, 'schemaVersion'>): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16LE(FORMAT_VERSION, 8);
  bytes.writeUInt16LE(SCHEMA_VERSION, 10);
  bytes.writeUInt32LE(header.generation, 12);
  bytes.writeBigUInt64LE(BigInt(header.after), 16);
  bytes.write(header.databaseId, 24, 32, 'latin1');
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
  return bytes;
}

/** Null for what is no journal, or one whose header is not whole. */
export function decodeHeader(head: Uint8Array): JournalHeader | null {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  if (crc32(bytes.subarray(0, CHECKSUM_AT)) !== bytes.readUInt32LE(CHECKSUM_AT)) return null;
  const format = bytes.readUInt16LE(8);
  return {
    // A format that is not ours yet is a newer version's, whatever its schema.
    schemaVersion: format > FORMAT_VERSION ? Number.POSITIVE_INFINITY : bytes.readUInt16LE(10),
    generation: bytes.readUInt32LE(12),
    databaseId: bytes.toString('latin1', 24, 56),
    after: Number(bytes.readBigUInt64LE(16)),
  };
}

/** One change as a record; `text` is its JSON. */
export function encodeChange(seq: number, text: string): Buffer {
  return encodeRecord(`${CHANGE_START}${seq},"change":${text}}`);
}

export function encodeImage(image: ImageFacts): Buffer {
  return encodeRecord(`${IMAGE_START}${JSON.stringify(image)}}`);
}

function encodeRecord(payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  const record = Buffer.allocUnsafe(RECORD_HEAD + length);
  record.write(payload, RECORD_HEAD, 'utf8');
  record.writeUInt32LE(length, 0);
  record.writeUInt32LE(crc32(record.subarray(RECORD_HEAD)), 4);
  return record;
}

/** Reads what can be read of a journal; null when its header is not whole. */
export function readJournal(file: Uint8Array): JournalContents | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const header = decodeHeader(bytes);
  if (!header) return null;
  const contents = emptyContents(bytes, header, false);
  readRecords(contents, HEADER_BYTES);
  return contents;
}

/**
 * Reads the changes of a journal whose header is damaged; its database is not known. Null when there are none. A newer
 * version's header is told from a damaged one by its checksum: `readJournal` reads it.
 */
export function salvageJournal(file: Uint8Array, generation: number): JournalContents | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const header = { schemaVersion: SCHEMA_VERSION, generation, databaseId: '', after: 0 };
  const contents = emptyContents(bytes, header, true);
  const first = recordEnd(bytes, HEADER_BYTES) === null ? nextRecord(bytes, 0) : HEADER_BYTES;
  if (first === null) return null;
  readRecords(contents, first);
  const [change] = contents.changes;
  if (!change) return null;
  header.after = change.seq - 1;
  return contents;
}

function emptyContents(bytes: Buffer, header: JournalHeader, isHeaderLost: boolean): JournalContents {
  return { header, isHeaderLost, bytes, changes: [], images: [], end: HEADER_BYTES, isDamaged: false };
}

function readRecords(contents: JournalContents, from: number): void {
  const { bytes } = contents;
  let at = from;
  while (at < bytes.length) {
    const end = recordEnd(bytes, at);
    if (end !== null && take(contents, at + RECORD_HEAD, end)) {
      contents.end = at = end;
      continue;
    }
    const next = nextRecord(bytes, at + 1);
    if (next === null) break;
    contents.isDamaged = true;
    at = next;
  }
}

/** The change at a place that `readJournal` told of. @throws SyntaxError when it is not JSON. */
export function decodeChange(journal: JournalContents, { start, end }: ChangeAt): LedgerChange {
  const { change } = JSON.parse(journal.bytes.toString('utf8', start, end)) as { change: LedgerChange };
  return change;
}

/** Where the record that begins here ends; null when there is no whole one. */
function recordEnd(bytes: Buffer, at: number): number | null {
  const start = at + RECORD_HEAD;
  if (start > bytes.length) return null;
  const length = bytes.readUInt32LE(at);
  // A file that a power cut made longer ends in zeros, which look like empty records.
  if (length === 0 || length > MAX_PAYLOAD || start + length > bytes.length) return null;
  return crc32(bytes.subarray(start, start + length)) === bytes.readUInt32LE(at + 4) ? start + length : null;
}

function take(contents: JournalContents, start: number, end: number): boolean {
  const { bytes } = contents;
  const opening = bytes.toString('latin1', start, Math.min(end, start + 32));
  if (opening.startsWith(CHANGE_START)) {
    const seq = Number.parseInt(opening.slice(CHANGE_START.length), 10);
    if (!Number.isSafeInteger(seq)) return false;
    contents.changes.push({ seq, start, end });
    return true;
  }
  if (opening.startsWith(IMAGE_START)) {
    contents.images.push((JSON.parse(bytes.toString('utf8', start, end)) as { image: ImageFacts }).image);
    return true;
  }
  return false;
}

/** Where the next whole record begins behind a damaged place; null when none does. */
function nextRecord(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf(CHANGE_START, from); at !== -1; at = bytes.indexOf(CHANGE_START, at + 1)) {
    const record = at - RECORD_HEAD;
    if (record >= from && recordEnd(bytes, record) !== null) return record;
  }
  return null;
}
