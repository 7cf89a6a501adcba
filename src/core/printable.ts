/** No control characters reach a terminal, nor those that turn the direction of the text: it must not obey what stands in a file. */
export const printable = (text: string): string =>
  text.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\ufeff]/gu, '?');
