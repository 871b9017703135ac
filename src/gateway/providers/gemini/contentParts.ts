import type { ContentPart } from '../../../protocol/chat.js';
import { type GeminiPart, isObject } from './wire.js';

/** Content of any role as Gemini parts, in order; empty texts are left out, as Gemini refuses them here and there. */
export function encodeContent(content: string | readonly ContentPart[] | null): GeminiPart[] {
  if (content === null) return [];
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }];
  return content.flatMap((part) => encodePart(part) ?? []);
}

/** Only the text of it, joined; what Gemini's text-only places take. */
export function contentText(content: string | readonly ContentPart[] | null): string {
  return encodeContent(content)
    .flatMap((part) => part.text ?? [])
    .join('\n');
}

function encodePart(part: ContentPart): GeminiPart | null {
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : { text: part.text };
    case 'image_url':
      return encodeUrl(part.image_url.url, 'image/jpeg');
    case 'video_url':
      return encodeUrl(urlOf(part.video_url), 'video/mp4');
    case 'audio_url':
      return encodeUrl(urlOf(part.audio_url), 'audio/mpeg');
    case 'input_audio':
      return encodeAudio(part.input_audio);
    case 'file':
      return encodeFile(part.file);
    default:
      return null;
  }
}

function urlOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value.url === 'string' ? value.url : '';
}

/** `{data, format}`, base64 as OpenAI's input_audio has it. */
function encodeAudio(audio: unknown): GeminiPart | null {
  if (!isObject(audio) || typeof audio.data !== 'string') return null;
  if (audio.data.startsWith('data:')) return encodeUrl(audio.data, 'audio/wav');
  const format = typeof audio.format === 'string' ? audio.format : 'wav';
  return { inlineData: { mimeType: `audio/${format === 'mp3' ? 'mpeg' : format}`, data: audio.data } };
}

/** `{file_data, filename}`; a file id is another provider's and names nothing here, but may be a URL. */
function encodeFile(file: unknown): GeminiPart | null {
  if (!isObject(file)) return null;
  const name = typeof file.filename === 'string' ? file.filename : '';
  const guess = mimeByExtension(name) ?? 'application/pdf';
  if (typeof file.file_data === 'string') {
    const isUrl = /^(?:data|https?):/i.test(file.file_data);
    return isUrl ? encodeUrl(file.file_data, guess) : { inlineData: { mimeType: guess, data: file.file_data } };
  }
  return typeof file.file_id === 'string' ? encodeUrl(file.file_id, guess) : null;
}

/**
 * `data:` URLs travel inline. Public http(s) URLs (and Google's own file URIs) go by reference: Gemini fetches them
 * itself (https://ai.google.dev/gemini-api/docs/file-input-methods), so no stranger's URL is opened from here.
 */
function encodeUrl(url: string, fallbackMime: string): GeminiPart | null {
  const data = /^data:([^;,]*)((?:;[^;,]*)*),/i.exec(url);
  if (data) {
    const mimeType = data[1] || fallbackMime;
    const payload = url.slice(data[0].length);
    const isBase64 = /;base64$/i.test(data[2] ?? '');
    return { inlineData: { mimeType, data: isBase64 ? payload : toBase64(payload) } };
  }
  if (!/^(?:https?|gs):\/\//i.test(url)) return null;
  const path = url.replace(/[?#].*$/s, '');
  return { fileData: { fileUri: url, mimeType: mimeByExtension(path) ?? videoHost(url) ?? fallbackMime } };
}

function toBase64(payload: string): string {
  let text = payload;
  try {
    text = decodeURIComponent(payload);
  } catch {
    // Not percent-encoded after all: as it is.
  }
  return Buffer.from(text).toString('base64');
}

function videoHost(url: string): string | undefined {
  return /^https?:\/\/(?:[\w-]+\.)?(?:youtube\.com|youtu\.be)\//i.test(url) ? 'video/mp4' : undefined;
}

const mimes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
};

function mimeByExtension(path: string): string | undefined {
  const extension = /\.([a-z\d]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(mimes, extension) ? mimes[extension] : undefined;
}
