import type { FrameLocator, Page } from 'playwright-core';

/** The document of the one webview that can be seen. */
export function webviewOf(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
}
