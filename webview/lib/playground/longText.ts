/** So much is laid out at once, or left alone while it is out of sight. */
const PIECE_CHARACTERS = 4_000;

/** A text in pieces that no longer change while it grows, save the last: cut after lines, else between words. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (text.length - from > PIECE_CHARACTERS) {
    const end = from + cutAt(text.slice(from, from + PIECE_CHARACTERS));
    pieces.push(text.slice(from, end));
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces;
}

function cutAt(part: string): number {
  const half = part.length / 2;
  const line = part.lastIndexOf('\n') + 1;
  if (line > half) return line;
  const word = part.lastIndexOf(' ') + 1;
  if (word > half) return word;
  // Halves of a pair stay together.
  const last = part.charCodeAt(part.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? part.length - 1 : part.length;
}
