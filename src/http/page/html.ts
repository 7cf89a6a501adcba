/** HTML that is escaped unless it was made here. Pure. */

/** Markup, and safe as it stands. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | null | undefined | false | readonly Html[];

/** A template whose values are text: whatever they hold, they stay text, between tags and within quoted attributes. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  markup: strings.reduce((markup, string, at) => markup + markupOf(values[at - 1]) + string),
});

/** For what is ours as a whole: the style sheet and the script. */
export const verbatim = (markup: string): Html => ({ markup });

function markupOf(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * Control characters are shown as such: a browser drops some, and takes others for the end of a line. So are those that turn the direction of writing:
 * with them a text looks like another one (Unicode Technical Report 36, 3.2).
 */
const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** No one text makes the page long. */
export const clipped = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more characters)`;
