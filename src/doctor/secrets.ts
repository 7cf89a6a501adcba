/** What is taken out of a program's words: it may have been told, and tell on. Pure. */
import type { Config } from '../config/model.ts';

const secretName = /pass|secret|token|key|credential|auth|dsn|private/i;

/** Shorter values of other variables are words such as `nginx` and `error`. */
const longEnough = 8;

/**
 * Values that may be secrets: by their variables' names; and the longer ones out of mounted files but for paths, since those in a message are what it is about.
 *
 * @param inherited variables of `env_from`
 */
export function secretValues(
  variables: Readonly<Record<string, string>>,
  { services: { main } }: Config,
  inherited: ReadonlyMap<string, string>,
): string[] {
  const named = Object.entries({ ...variables, ...main.environment }).flatMap(([name, value]) =>
    value !== null && secretName.test(name) ? [value] : [],
  );
  const mounted = [...inherited].flatMap(([name, value]) =>
    secretName.test(name) || (value.length >= longEnough && !value.startsWith('/')) ? [value] : [],
  );
  return [...named, ...mounted];
}
