/** What a file is to the kernel that is asked to execute it. Pure. */

export type Content =
  /** `crlf`: the first line ends as on Windows, and the interpreter's name with it. */
  | { readonly kind: 'script'; readonly interpreter: string; readonly crlf: boolean }
  /** `machine`: as `process.arch` calls it, or a number. `loader`: of a dynamic program. */
  | { readonly kind: 'elf'; readonly machine: string; readonly loader: string | undefined }
  /** Neither: the kernel refuses it (ENOEXEC). */
  | { readonly kind: 'other' }
  /** It may not be read, which executing does not need. */
  | { readonly kind: 'unread' };

/** elf(5) */
const machines: Readonly<Record<number, string>> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' };
const interpreterSegment = 3;

export function contentKind(head: Buffer): Content {
  if (head.subarray(0, 2).toString('latin1') === '#!') return script(head);
  if (head.subarray(0, 4).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46])) && head.length >= 64) return program(head);
  return { kind: 'other' };
}

function script(head: Buffer): Content {
  const [line = ''] = head.subarray(2).toString('latin1').split('\n');
  const crlf = line.endsWith('\r');
  return { kind: 'script', interpreter: /^[ \t]*([^ \t\r]*)/.exec(line)?.[1] ?? '', crlf };
}

/** 64 bits, little-endian: what reinit runs on. */
function program(head: Buffer): Content {
  const number = head.readUInt16LE(18);
  const machine = machines[number] ?? String(number);
  return { kind: 'elf', machine, loader: head[4] === 2 ? loaderOf(head) : undefined };
}

function loaderOf(head: Buffer): string | undefined {
  const [start, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = start, n = 0; n < count && at + 40 <= head.length; at += size, n += 1) {
    if (head.readUInt32LE(at) !== interpreterSegment) continue;
    const [from, length] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    if (from + length > head.length) return undefined;
    return head
      .subarray(from, from + length)
      .toString('latin1')
      .replace(/\0.*$/s, '');
  }
  return undefined;
}

/** What has to be there for it to start. */
export function interpreterPath(content: Content): string | undefined {
  if (content.kind === 'script') return content.interpreter;
  return content.kind === 'elf' ? content.loader : undefined;
}
