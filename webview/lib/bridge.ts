import type { FromPage, PageInit, ToPage } from '../../src/protocol/pages.js';

/** What VS Code gives a page: one way to the editor side, and a place for state that outlives the document. */
export interface Bridge {
  post(message: FromPage): void;
  /** Every message that comes, for as long as the page lives. */
  listen(receive: (message: ToPage) => void): void;
  readState(): unknown;
  writeState(state: unknown): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** May be called once in a document's life. */
export function openBridge(): Bridge {
  const api = acquireVsCodeApi();
  return {
    post: (message) => api.postMessage(message),
    listen: (receive) => window.addEventListener('message', ({ data }) => receive(data as ToPage)),
    readState: () => api.getState(),
    writeState: (state) => api.setState(state),
  };
}

/** What the editor side put into the document; null outside of one (in tests). */
export function readInit(): PageInit | null {
  if (typeof document === 'undefined') return null;
  const text = document.getElementById('init')?.textContent;
  return text ? (JSON.parse(text) as PageInit) : null;
}
