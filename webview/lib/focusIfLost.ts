import { tick } from 'svelte';

/** What had the focus may be gone with what it did: then this has it, so that the keys go on from there. */
export async function focusIfLost(find: () => HTMLElement | null | undefined): Promise<void> {
  await tick();
  if (document.activeElement === null || document.activeElement === document.body) {
    find()?.focus({ preventScroll: true });
  }
}
