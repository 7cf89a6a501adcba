/** Enough for any validator's message; what floods is cut in the middle, since causes stand first and results last. */
const maxChars = 2_000;

/**
 * What a program printed, made fit for a log line: UTF-8, no control characters (a terminal must not obey them), bounded.
 *
 * @param total how many bytes it printed; `output` may hold the first and the last half of a limit only
 */
export function wordsOf(output: Buffer, total: number): string {
  const text = output
    .toString('utf8')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above; newlines and tabs stay
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .trim();
  const cut = text.length > maxChars ? `${text.slice(0, maxChars / 2)} … ${text.slice(-maxChars / 2)}` : text;
  return total > output.length ? `${cut} (${total} bytes in all)` : cut;
}
