import type { Frame, FrameLocator, Page } from 'playwright-core';

/** The document of the one webview that can be seen. */
export function webviewOf(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
}

/** The same as a frame, to run scripts in. */
export async function webviewFrame(page: Page): Promise<Frame> {
  const outer = await (await page.waitForSelector('iframe.webview.ready')).contentFrame();
  const inner = await (await outer?.waitForSelector('iframe#active-frame'))?.contentFrame();
  if (!inner) throw new Error('there is no webview');
  return inner;
}
