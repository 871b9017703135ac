/**
 * To be called by a page when what it is for is in its document, as soon as that is: `npm run bench:pages` reads how long it
 * took until it was painted.
 */
export function markShown(): void {
  requestAnimationFrame(() => setTimeout(() => performance.mark('freellm:shown')));
}
