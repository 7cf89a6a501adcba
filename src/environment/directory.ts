/** A mounted ConfigMap or Secret as variables: the name of a file is the name of a variable, its content is the value. */

/** As Kubernetes' `envFrom` has it (RelaxedEnvironmentVariableValidation): printable ASCII but for `=`. */
export const isVariableName = (name: string): boolean => /^[ -<>-~]+$/.test(name);

/**
 * Byte for byte, but for one newline at the end: editors and `echo` put it there, and hardly a program expects it in a variable.
 * (kubelet, which reads the API object, keeps it; who needs one at the end writes two.)
 */
export function withoutFinalNewline(content: Buffer): Buffer {
  if (content.at(-1) !== 0x0a) return content;
  return content.subarray(0, content.at(-2) === 0x0d ? -2 : -1);
}

const shown = 5;

/** One warning for all files of that kind; undefined: there is none. */
export function skippedWarning(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const list = names.slice(0, shown).map((name) => JSON.stringify(name));
  const more = names.length > shown ? ` and ${names.length - shown} more` : '';
  const files = names.length === 1 ? '1 file is' : `${names.length} files are`;
  return `env_from: ${files} left out, for no variable can have such a name: ${list.join(', ')}${more}. Rename the keys: printable ASCII without \`=\`.`;
}
