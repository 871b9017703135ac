/** How many chart colours the editor has. */
const COLOURS = 6;

/** A provider's colour, the same everywhere: a class of base.css, `provider-0` to `provider-5`. */
export function colourOf(provider: string): string {
  let hash = 0;
  for (const character of provider) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return `provider-${hash % COLOURS}`;
}
