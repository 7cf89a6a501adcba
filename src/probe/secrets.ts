/** Shorter ones are none, and would take whole letters out of the text. */
const minChars = 4;

/**
 * Takes out of an answer what a server that echoes its request gives back of it.
 *
 * @param values each is hidden as a whole, and so are its words (`Bearer …`)
 */
export function hide(text: string, values: readonly string[]): string {
  const parts = new Set(values.flatMap((value) => [value, ...value.split(/\s+/)]).filter((part) => part.length >= minChars));
  return [...parts].sort((a, b) => b.length - a.length).reduce((rest, part) => rest.replaceAll(part, '***'), text);
}

/** User, password, and what is in the query, as written and as meant. */
export function secretsOf(url: URL): string[] {
  const { username, password, search, searchParams } = url;
  return [username, password, search.slice(1), ...searchParams.values(), ...[username, password].map(decoded)];
}

export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
