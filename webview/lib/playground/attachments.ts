import { t } from '../l10n.js';
import type { Attachment } from './conversation.js';

/** What may go with one question. The gateway takes 32 MB with all that was said before, and images grow by a third. */
export const LARGEST_IMAGE = 5 * 1024 * 1024;
export const LARGEST_TEXT = 256 * 1024;
export const MOST_ATTACHMENTS = 8;
export const LARGEST_TOGETHER = 12 * 1024 * 1024;

/** Those that providers take. */
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** What the file dialog shows first. */
export const ACCEPT = `${IMAGES.join(',')},text/*,.md,.json,.yaml,.yml,.toml,.csv,.log,.ts,.tsx,.js,.py,.go,.rs,.java,.sql,.sh`;

/** A file as it is attached, or why not, in words. */
export type FileReading = { attachment: Attachment; problem: null } | { attachment: null; problem: string };

/**
 * Reads a file that was chosen, dropped or pasted. What is no image is taken as text, if it is text.
 * @param there what is attached already
 */
export async function readAttachment(file: File, there: readonly Attachment[]): Promise<FileReading> {
  const name = file.name === '' ? t('pasted') : file.name;
  if (there.length >= MOST_ATTACHMENTS) return no(t('A question takes {0} files at most.', MOST_ATTACHMENTS));
  const together = there.reduce((sum, { bytes }) => sum + bytes, file.size);
  if (together > LARGEST_TOGETHER) return no(t('Together the files may have {0}.', bytesWords(LARGEST_TOGETHER)));
  if (IMAGES.includes(file.type)) {
    if (file.size > LARGEST_IMAGE) return no(tooLarge(name, file.size, LARGEST_IMAGE));
    const url = await dataUrl(file).catch(() => null);
    return url === null
      ? no(unread(name))
      : { attachment: { kind: 'image', name, bytes: file.size, url }, problem: null };
  }
  if (file.type.startsWith('image/') && file.type !== 'image/svg+xml')
    return no(t('{0}: images must be PNG, JPEG, GIF or WebP.', name));
  if (file.size > LARGEST_TEXT) return no(tooLarge(name, file.size, LARGEST_TEXT));
  // A folder that was dropped, or a file that is gone.
  const bytes = await file.arrayBuffer().catch(() => null);
  if (bytes === null) return no(unread(name));
  const text = readText(new Uint8Array(bytes));
  if (text === null) return no(t('{0} is neither text nor an image.', name));
  return { attachment: { kind: 'text', name, bytes: file.size, text }, problem: null };
}

/** The text of a file in UTF-8; null for what is none. */
export function readText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** `34 KB` */
export function bytesWords(bytes: number): string {
  if (bytes < 1_000) return t('{0} bytes', bytes);
  if (bytes < 1_000_000) return t('{0} KB', Math.round(bytes / 1_024));
  return t('{0} MB', (bytes / 1_048_576).toFixed(1));
}

function tooLarge(name: string, bytes: number, most: number): string {
  return t('{0} has {1}; {2} is the most.', name, bytesWords(bytes), bytesWords(most));
}

function unread(name: string): string {
  return t('{0} could not be read.', name);
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.readAsDataURL(file);
  });
}

function no(problem: string): FileReading {
  return { attachment: null, problem };
}
