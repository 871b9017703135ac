/**
 * A key's models after one of them was taken in or out. null is all of them, those too that the provider has later; none at
 * all is not to be had: such a key is switched off instead.
 * @param known all models that can be chosen
 */
export function modelScope(
  known: readonly string[],
  current: readonly string[] | null,
  model: string,
  isIn: boolean,
): string[] | null {
  const before = new Set(current ?? known);
  if (isIn) before.add(model);
  else before.delete(model);
  const after = known.filter((each) => before.has(each));
  if (after.length === 0) return current === null ? null : [...current];
  return after.length === known.length ? null : after;
}
