/** The tables of a Markdown text: rows of cells, the header first, the line of dashes left out. */
export function tablesOf(markdown: string): string[][][] {
  const tables: string[][][] = [];
  let isInside = false;
  for (const line of markdown.split('\n')) {
    const isRow = line.startsWith('|');
    if (isRow && !isInside) tables.push([]);
    isInside = isRow;
    if (isRow && !/^\|[-:| ]+\|$/.test(line)) tables.at(-1)?.push(cellsOf(line));
  }
  return tables;
}

/** The fenced blocks of one language, without their fences. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
