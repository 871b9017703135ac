/** The pages that are measured and pictured. A new page is a row. */
export interface PageOfTable {
  id: string;
  /** Title of the command that opens it. */
  command: string;
  /** A row of what it is for; there are at least so many in the world that is measured. */
  row: string;
  rows: number;
}

export const PAGES: readonly PageOfTable[] = [
  { id: 'keys', command: 'FreeLLM: Keys', row: 'li > .row', rows: 60 },
  { id: 'chain', command: 'FreeLLM: Fallback Chain', row: 'li.row', rows: 300 },
];
