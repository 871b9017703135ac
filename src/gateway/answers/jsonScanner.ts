const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Follows the brackets of one JSON object or array through text that comes in pieces. It does not check the rest. */
export class JsonScanner {
  private depth = 0;
  private isInString = false;
  private isEscaped = false;

  /** Where the value ends: the index after its last bracket, counted in this piece; -1 while it goes on. */
  feed(text: string, from = 0): number {
    for (let index = from; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (this.isInString) {
        if (this.isEscaped) this.isEscaped = false;
        else if (code === BACKSLASH) this.isEscaped = true;
        else if (code === QUOTE) this.isInString = false;
      } else if (code === QUOTE) this.isInString = true;
      else if (code === 0x7b || code === 0x5b) this.depth += 1;
      else if ((code === 0x7d || code === 0x5d) && --this.depth <= 0) return index + 1;
    }
    return -1;
  }
}

/** Where the JSON object or array ends that begins at `from`: the index after it; -1 if it does not end, or none begins. */
export function jsonEnd(text: string, from = 0): number {
  const first = text[from];
  return first === '{' || first === '[' ? new JsonScanner().feed(text, from) : -1;
}

/** The JSON value of a text; undefined if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
