import { maxFrameBytes, maxMemoBytes } from '../link/messages.ts';

/** MAX_ARG_STRLEN of execve(2): `NAME=value` and the NUL behind it. */
const maxVariableBytes = 128 * 1024;
/** For all else that travels in the frame of a spawn: arguments, other effects. */
const reservedBytes = 64 * 1024;
/** Of all variables as they stand in a spawn: each with its `=` and a length of four bytes. The memo may be in the same frame. */
export const maxEnvironmentBytes = maxFrameBytes - maxMemoBytes - reservedBytes;

/** What is too large for the way to the application, or for the kernel; undefined: nothing is. */
export function sizeProblem(variables: ReadonlyMap<string, string>): string | undefined {
  let total = 0;
  for (const [name, value] of variables) {
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (bytes >= maxVariableBytes)
      return `${name} is larger than one variable can be: ${bytes} bytes with its name, the kernel takes ${maxVariableBytes - 1}. Let the application read it from the file`;
    total += bytes + 4;
  }
  if (total <= maxEnvironmentBytes) return undefined;
  return `the environment is larger than can be passed on: ${variables.size} variables with ${total} bytes, at most ${maxEnvironmentBytes}. Take variables out, or let the application read files`;
}
