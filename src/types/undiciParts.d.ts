// The types of undici's own files, which its package gives for its index only.
declare module 'undici/lib/dispatcher/client.js' {
  // biome-ignore lint/style/noDefaultExport: a CommonJS module's only export
  export { Client as default } from 'undici';
}
declare module 'undici/lib/dispatcher/pool.js' {
  // biome-ignore lint/style/noDefaultExport: a CommonJS module's only export
  export { Pool as default } from 'undici';
}
