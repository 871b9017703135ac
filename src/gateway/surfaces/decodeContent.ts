import type { ContentPart } from '../../protocol/chat.js';
import { isObject, type JsonObject, RequestError } from './requestError.js';

/**
 * The content of one message: a string, parts, or '' when there is none.
 * An array whose parts are already right is returned itself, not a copy.
 * Part types after OpenAI chat and Responses, plus Anthropic's `image`; others (`thinking`, `cache_control`) are dropped.
 * @throws RequestError when it is a number, a boolean, or a part that cannot be read.
 */
export function decodeContent(content: unknown, param: string): string | ContentPart[] {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (Array.isArray(content)) return decodeParts(content, param);
  if (isObject(content)) {
    const part = decodePart(content, param);
    if (part) return [part];
  }
  throw new RequestError(param, `${param} must be a string or an array of content parts`);
}

function decodeParts(parts: unknown[], param: string): string | ContentPart[] {
  let isAsIs = true;
  for (const part of parts) {
    if (!isCleanText(part)) {
      isAsIs = false;
      break;
    }
  }
  if (parts.length === 0) return '';
  if (isAsIs) return parts as ContentPart[];
  const decoded: ContentPart[] = [];
  parts.forEach((part, index) => {
    const made = decodePart(part, `${param}[${index}]`);
    if (made) decoded.push(made);
  });
  return decoded.length > 0 ? decoded : '';
}

function isCleanText(part: unknown): boolean {
  if (!isObject(part) || part.type !== 'text' || typeof part.text !== 'string') return false;
  for (const field in part) if (field !== 'type' && field !== 'text') return false;
  return true;
}

function decodePart(part: unknown, param: string): ContentPart | null {
  if (typeof part === 'string') return { type: 'text', text: part };
  if (part === null || part === undefined) return null;
  if (!isObject(part)) throw new RequestError(param, `${param} must be a content part`);
  switch (part.type) {
    case undefined:
    case null:
      if (typeof part.text === 'string') return { type: 'text', text: part.text };
      if (part.image_url !== undefined) return imagePart(part, param);
      return null;
    case 'text':
    case 'input_text':
    case 'output_text':
      return textPart(part.text ?? part.content, param);
    case 'refusal':
      return textPart(part.refusal, param);
    case 'image_url':
    case 'input_image':
    case 'image':
      return imagePart(part, param);
    case 'input_audio':
    case 'audio_url':
    case 'video_url':
    case 'file':
      return otherPart(part.type, part);
    case 'input_file':
      return otherPart('file', { file: part.file ?? inputFile(part) });
    default:
      return null;
  }
}

function textPart(text: unknown, param: string): ContentPart | null {
  if (typeof text === 'string') return { type: 'text', text };
  if (text === null || text === undefined) return null;
  throw new RequestError(param, `${param}.text must be a string`);
}

function otherPart(type: 'input_audio' | 'audio_url' | 'video_url' | 'file', part: JsonObject): ContentPart {
  return { type, [type]: part[type] };
}

/** The Responses API has the file's fields in the part itself; chat has them under `file`. */
function inputFile(part: JsonObject): JsonObject {
  const { type: _type, cache_control: _cache, ...file } = part;
  return file;
}

function imagePart(part: JsonObject, param: string): ContentPart {
  const image = part.image_url;
  const url = typeof image === 'string' ? image : isObject(image) ? image.url : anthropicUrl(part.source);
  if (typeof url !== 'string' || url === '') throw new RequestError(param, `${param} is an image without a URL`);
  const detail = isObject(image) ? image.detail : part.detail;
  return { type: 'image_url', image_url: typeof detail === 'string' ? { url, detail } : { url } };
}

function anthropicUrl(source: unknown): unknown {
  if (!isObject(source)) return undefined;
  if (source.type === 'base64' && typeof source.data === 'string') {
    return `data:${typeof source.media_type === 'string' ? source.media_type : 'image/png'};base64,${source.data}`;
  }
  return source.url;
}
