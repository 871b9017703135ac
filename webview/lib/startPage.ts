import { type Component, mount } from 'svelte';
import { openBridge, readInit } from './bridge.js';
import { Session } from './session.svelte.js';

/** What each page's entry does: shows the page and begins to listen. */
export function startPage(page: Component<{ session: Session }>): void {
  const init = readInit();
  const target = document.getElementById('page');
  if (init === null || target === null) throw new Error('This document was not made for a page');
  const session = new Session(openBridge(), init);
  mount(page, { target, props: { session } });
  session.begin();
}
