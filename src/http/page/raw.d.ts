/** The text of a file: Vite does this by itself, the bundles by scripts/building/bundles.ts. */
declare module '*?raw' {
  const text: string;

  // biome-ignore lint/style/noDefaultExport: that is how Vite has it
  export { text as default };
}
