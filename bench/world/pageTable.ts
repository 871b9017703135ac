/** The pages that are measured and pictured. A new page is a row. */
import type { World } from './world.js';

export interface PageOfTable {
  id: string;
  /** Title of the command that opens it. */
  command: string;
  /** Selects the rows of what it is for. */
  row: string;
  /** Of its picture in the README. */
  theme: string;
  /** Makes it show something worth a picture in the README; the world has a few keys then. What ends it may be its result. */
  stage(world: World): Promise<void | (() => Promise<void>)>;
}

const QUESTION = 'How do I retry a fetch that was rate-limited, with a growing pause?';
const ANSWER = `Wait longer after **each** 429, and believe \`Retry-After\` where there is one:

\`\`\`ts
async function patientFetch(url: string, tries = 5): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(url);
    if (response.status !== 429 || attempt === tries - 1) return response;
    const seconds = Number(response.headers.get('retry-after')) || 2 ** attempt;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}
\`\`\`

- The pause doubles: **1, 2, 4, 8** seconds.
- After the last try the caller gets the 429 itself.
`;

export const PAGES: readonly PageOfTable[] = [
  {
    id: 'keys',
    command: 'FreeLLM: Keys',
    row: 'li > .row',
    theme: 'Dark Modern',
    async stage({ view }) {
      await view.locator('[data-row=main]').first().click();
      await view.getByText('Last 24 hours').first().waitFor();
    },
  },
  {
    id: 'chain',
    command: 'FreeLLM: Fallback Chain',
    row: 'li.row',
    theme: 'Light Modern',
    async stage({ view }) {
      await view.locator('[data-row]').nth(1).click();
      await view.getByRole('table').first().waitFor();
    },
  },
  {
    id: 'playground',
    command: 'FreeLLM: Playground',
    row: 'textarea[aria-label=Message]',
    theme: 'Dark Modern',
    async stage({ view, internet }) {
      internet.answer = ANSWER;
      const message = view.getByRole('textbox', { name: 'Message' });
      await message.fill(QUESTION);
      await message.press('Enter');
      const facts = view.locator('button.facts');
      await facts.click();
      await view.getByText('answered', { exact: true }).waitFor();
      internet.answer = null;
    },
  },
  {
    id: 'analytics',
    command: 'FreeLLM: Analytics',
    row: '[data-request]',
    theme: 'Light Modern',
    async stage(world) {
      const { view } = world;
      await view.getByRole('radio', { name: '7 d', exact: true }).check({ force: true });
      await view.locator('.figures[aria-busy=false]').waitFor();
      const end = await world.stream(2);
      await view.getByText('2 in flight').waitFor();
      return end;
    },
  },
];
