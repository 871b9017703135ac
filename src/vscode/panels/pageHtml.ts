import type { PageInit } from '../../protocol/pages.js';

export interface PageSources {
  script: string;
  style: string;
  /** What VS Code serves local files from. */
  cspSource: string;
  nonce: string;
  init: PageInit;
}

/**
 * A page's document: its own script and styles, nothing else of anybody's, and no connection to anywhere. What it begins
 * with lies in it as data, so that its first picture needs no round trip. The toolkit looks for the nonce of its styles in
 * a meta element.
 */
export function pageHtml({ script, style, cspSource, nonce, init }: PageSources): string {
  const policy = [
    "default-src 'none'",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource} 'nonce-${nonce}'`,
    `img-src ${cspSource} data:`,
    `font-src ${cspSource}`,
  ].join('; ');
  const title = init.pages.find(({ id }) => id === init.page)?.title ?? init.page;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(init.locale)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta property="csp-nonce" content="${escapeHtml(nonce)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${escapeHtml(style)}">
</head>
<body>
<div id="page"></div>
<script type="application/json" id="init">${asData(init)}</script>
<script type="module" nonce="${escapeHtml(nonce)}" src="${escapeHtml(script)}"></script>
</body>
</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON in which nothing can end the element that it lies in. */
function asData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
