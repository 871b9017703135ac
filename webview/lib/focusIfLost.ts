import { tick } from 'svelte';

/** What comes back is there after a call or two. */
const BACK_MS = 3_000;

/** What had the focus may be gone with what it did: then this has it, so that the keys go on from there. */
export async function focusIfLost(find: () => HTMLElement | null | undefined): Promise<void> {
  await tick();
  if (isFocusLost()) find()?.focus({ preventScroll: true });
}

/**
 * The same for what is on its way into the page, by its selector: it has the focus as soon as it is there, and still after it
 * was moved to its place. What does not come leaves the focus to `otherwise`; a user who has gone elsewhere stays there.
 */
export async function focusWhenBack(selector: string, otherwise: () => HTMLElement | null | undefined): Promise<void> {
  const look = (): void => {
    const back = document.querySelector<HTMLElement>(selector);
    if (isFocusLost()) back?.focus();
    else if (document.activeElement !== back) end();
  };
  const observer = new MutationObserver(look);
  const timer = setTimeout(() => {
    end();
    void focusIfLost(otherwise);
  }, BACK_MS);
  const end = (): void => {
    observer.disconnect();
    clearTimeout(timer);
  };
  await tick();
  look();
  observer.observe(document.body, { childList: true, subtree: true, attributes: true });
}

function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}
