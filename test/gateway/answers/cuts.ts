import fc from 'fast-check';

/** Every way to cut a text in two, and some to cut it in more; `[text]` too. */
export function everyCut(text: string): string[][] {
  const cuts: string[][] = [[text], [...text]];
  for (let at = 1; at < text.length; at += 1) cuts.push([text.slice(0, at), text.slice(at)]);
  return cuts;
}

/** A text cut at random places. */
export function cutsOf(texts: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; pieces: string[] }> {
  return fc.tuple(texts, fc.array(fc.nat(400), { maxLength: 12 })).map(([text, places]) => {
    const sorted = [0, ...places.map((place) => Math.min(place, text.length)).sort((a, b) => a - b), text.length];
    const pieces = sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
    return { text, pieces };
  });
}
