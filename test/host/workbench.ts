import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';

const WORKBENCH_LIMIT_MS = 60_000;
/** A palette that is not there after so long was closed or never opened. */
const PALETTE_TRY_MS = 5_000;
const PALETTE_TRIES = 8;
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** A headless browser with an empty profile, where pages may use the clipboard. */
export async function launchBrowser(): Promise<{ browser: Browser; context: BrowserContext }> {
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), headless: true, args: ARGS });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return { browser, context };
}

/** The workbench of a VS Code in a page, driven as a user does: keyboard, palette, quick inputs. */
export class Workbench {
  constructor(readonly page: Page) {}

  async open(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
    await this.page.locator('.monaco-workbench').waitFor({ timeout: WORKBENCH_LIMIT_MS });
  }

  /**
   * Runs a command by its full title, such as `FreeLLM: Add Key`. VS Code closes its palette when anything else takes the
   * focus (a page that has just been shown does), so whoever sees it go calls it again, as a user does.
   */
  async runCommand(title: string): Promise<void> {
    await this.tryAgain(async (timeout) => {
      await this.pressForPalette(timeout);
      await this.input.fill(`>${title}`, { timeout });
      await this.row(title).click({ timeout });
    });
  }

  /** As a user does: who sees nothing happen, as while a window is being restored, presses again. */
  openPalette(): Promise<void> {
    return this.tryAgain((timeout) => this.pressForPalette(timeout));
  }

  private async pressForPalette(timeout: number): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.input.waitFor({ state: 'visible', timeout });
  }

  private async tryAgain(act: (timeout: number) => Promise<void>): Promise<void> {
    for (let left = PALETTE_TRIES; ; left -= 1) {
      try {
        return await act(PALETTE_TRY_MS);
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  }

  /** The line of the quick input, whatever is asked there. */
  get input(): Locator {
    return this.page.locator('.quick-input-widget input.input');
  }

  /** What the quick input asks: its title, placeholder, message and whether typing is hidden. */
  async question(): Promise<{ title: string; placeholder: string; message: string; isHidden: boolean }> {
    const widget = this.page.locator('.quick-input-widget');
    return {
      title: (await widget.locator('.quick-input-title').textContent()) ?? '',
      placeholder: (await this.input.getAttribute('placeholder')) ?? '',
      message: (await widget.locator('.quick-input-message').textContent()) ?? '',
      isHidden: (await this.input.getAttribute('type')) === 'password',
    };
  }

  /** The first row of the quick pick that has the text. */
  row(text: string): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();
  }

  async pick(text: string): Promise<void> {
    await this.input.waitFor({ state: 'visible' });
    await this.input.fill(text);
    await this.row(text).click();
  }

  async answer(text: string): Promise<void> {
    await this.input.waitFor({ state: 'visible' });
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** The toast that has the text. */
  notification(text: string): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text });
  }

  /** A status bar item, by `publisher.name.itemId`. */
  statusItem(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  /** What the last copy left. */
  clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }
}
