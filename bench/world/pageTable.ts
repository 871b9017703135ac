/** The pages that are measured and pictured. A new page is a row. */
import type { FrameLocator } from 'playwright-core';

export interface PageOfTable {
  id: string;
  /** Title of the command that opens it. */
  command: string;
  /** Selects the rows of what it is for. */
  row: string;
  /** Of its picture in the README. */
  theme: string;
  /** Makes it show something worth a picture in the README; the world has a few keys then. */
  stage(view: FrameLocator): Promise<void>;
}

export const PAGES: readonly PageOfTable[] = [
  {
    id: 'keys',
    command: 'FreeLLM: Keys',
    row: 'li > .row',
    theme: 'Dark Modern',
    async stage(view) {
      await view.locator('[data-row=main]').first().click();
      await view.getByText('Last 24 hours').first().waitFor();
    },
  },
  {
    id: 'chain',
    command: 'FreeLLM: Fallback Chain',
    row: 'li.row',
    theme: 'Light Modern',
    async stage(view) {
      await view.locator('[data-row]').nth(1).click();
      await view.getByRole('table').first().waitFor();
    },
  },
  {
    id: 'playground',
    command: 'FreeLLM: Playground',
    row: 'textarea[aria-label=Message]',
    theme: 'Dark Modern',
    async stage(view) {
      await view.getByRole('textbox', { name: 'Message' }).fill('Which planet has the most moons?');
    },
  },
  {
    id: 'analytics',
    command: 'FreeLLM: Analytics',
    row: '[data-request]',
    theme: 'Light Modern',
    async stage(view) {
      await view.getByRole('radio', { name: '7 d', exact: true }).check({ force: true });
      await view.locator('.figures[aria-busy=false]').waitFor();
    },
  },
];
