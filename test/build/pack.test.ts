import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { libDir, root } from '../../scripts/building/paths.ts';
import { configFile, logged, startContainer } from '../e2e/harness.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

const available = (program: string) => spawnSync(program, ['--version']).error === undefined;
const other = process.arch === 'arm64' ? 'x86_64' : 'aarch64';
/** The package holds the other architecture's init, too. */
const canPack = available('npm') && available(`${other}-linux-gnu-gcc`);

const manifest = join(root, 'package.json');
const packageDirectory = 'lib/node_modules/reinit/build/npm';
let directory: string;
/** An npm prefix with a space in its path, where the package is installed as `npm i -g` does it. */
let prefix: string;
let reinit: string;

function pack(name: string) {
  const target = join(directory, name);
  mkdirSync(target);
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', target], { cwd: root, encoding: 'utf8' }));
  return { file: join(target, packed.filename), packed };
}

let first: ReturnType<typeof pack>;
let before: string;

beforeAll(() => {
  if (!canPack) return;
  directory = mkdtempSync(join(tmpdir(), 'reinit-pack-'));
  prefix = join(directory, 'a prefix');
  reinit = join(prefix, 'bin/reinit');
  before = readFileSync(manifest, 'utf8');
  first = pack('first');
  execFileSync('npm', ['install', '--global', '--prefix', prefix, '--ignore-scripts', '--offline', '--no-audit', first.file], {
    stdio: 'pipe',
  });
}, 600_000);

afterAll(() => canPack && rmSync(directory, { recursive: true, force: true }));

describe.skipIf(!canPack)('the npm package', () => {
  it('has the same bytes each time, and leaves package.json as it was', () => {
    const second = pack('second');
    expect(readFileSync(first.file).equals(readFileSync(second.file))).toBe(true);
    expect(readFileSync(manifest, 'utf8')).toBe(before);
  }, 400_000);

  it('holds both inits, the bundles, licences, the schema, and nothing else', () => {
    const files = first.packed.files.map(({ path }: { path: string }) => path);
    const bundles = globSync('*.cjs', { cwd: libDir }).map((name) => `build/npm/lib/reinit/${name}`);
    expect(bundles.length).toBeGreaterThan(4);
    expect(files.toSorted()).toEqual(
      [
        ...bundles,
        ...['bin/reinit', 'linux-arm64/reinit', 'linux-x64/reinit', 'lib/reinit/licenses/init.txt', 'lib/reinit/licenses/npm.txt'].map(
          (name) => `build/npm/${name}`,
        ),
        ...['CHANGELOG.md', 'LICENSE', 'README.md', 'docs/reference/reinit.schema.json', 'package.json'],
      ].toSorted(),
    );
    expect(first.packed.size).toBeLessThan(700_000);
  });

  it('needs Node 22.22 and nothing else, on any system', () => {
    const packed = JSON.parse(readFileSync(join(prefix, 'lib/node_modules/reinit/package.json'), 'utf8'));
    expect(packed).toMatchObject({ name: 'reinit', engines: { node: '>=22.22.0' }, bin: { reinit: 'build/npm/bin/reinit' } });
    for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies', 'scripts', 'os', 'cpu', 'private'])
      expect(packed, field).not.toHaveProperty(field);
  });

  it('leaves package.json as it was also where npm is killed', async () => {
    const npm = spawn('npm', ['pack', '--pack-destination', scratchDirectory()], { cwd: root, stdio: 'ignore' });
    onTestFinished(() => void npm.kill('SIGKILL'));
    await eventually('the packed manifest is in place', () => readFileSync(manifest, 'utf8') !== before, 300_000);
    npm.kill('SIGKILL');
    await once(npm, 'exit');
    await eventually("the repository's is back", () => readFileSync(manifest, 'utf8') === before);
  }, 400_000);
});

describe.skipIf(!canPack)('the installed command', () => {
  /** Only our Node, and what /usr/bin and /bin have. */
  const PATH = `${dirname(process.execPath)}:/usr/bin:/bin`;
  const application = ['/bin/sh', '-c', `trap 'echo reloaded' HUP; trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done`];

  it.skipIf(!isRoot)('becomes PID 1, and takes a change over, by the Node of PATH', async () => {
    const volume = join(scratchDirectory(), 'volume');
    await createVolume(volume, { text: 'one' });
    const rule = { paths: [volume], settle: '50ms', reload_after_start: '0s', confirm: '200ms', on_change: 'reload', reload_signal: 'HUP' };
    const container = await startContainer([reinit, '-c', configFile({ watch: [rule] }), '--', ...application], { env: { PATH } });
    await eventually('the application runs', () => container.stdout().includes('ready'));
    const executable = () => execFileSync('readlink', [`/proc/${container.pid}/exe`], { encoding: 'utf8' }).trim();
    expect(executable()).toMatch(new RegExp(`/${packageDirectory}/linux-(x64|arm64)/reinit$`));
    await eventually('the change is taken over', async () => {
      await updateVolume(volume, { text: 'two' });
      return container.stdout().includes('reloaded\n');
    });
    await logged(container, /applied/);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(7);
  });

  it('answers on the command line', () => {
    expect(execFileSync(reinit, ['preset', 'nginx'], { encoding: 'utf8', env: { PATH } })).toContain('nginx');
  });

  const shells = [['/bin/dash'], ['/bin/busybox', 'sh'], ['/bin/bash', '--posix']].filter(([shell = '']) => existsSync(shell));

  describe.each(shells)('under %s', (...shell) => {
    const [program = '', ...options] = shell;
    const run = (file: string, args: readonly string[], env = {}, cwd?: string) =>
      spawnSync(program, [...options, file, ...args], { encoding: 'utf8', cwd, env: { PATH, ...env } });
    const printed = (words: readonly string[]) => ['--', 'sh', '-c', 'printf "<%s>" "$@"', 'sh', ...words];

    it('passes every argument on as it is', () => {
      const words = ['', ' ', 'two words', '*', '$HOME', "it's", '"', '\\', 'a\nb', '--', '-e', 'ü', '`id`'];
      expect(run(reinit, printed(words)).stdout).toBe(words.map((word) => `<${word}>`).join(''));
    });

    it('is found through links: relative, absolute, of links, and by its own name', () => {
      const links = scratchDirectory();
      const file = join(prefix, packageDirectory, 'bin/reinit');
      symlinkSync(reinit, join(links, 'absolute'));
      symlinkSync('absolute', join(links, 'a link -> of links'));
      for (const [path, cwd] of [
        [file],
        [join(links, 'absolute')],
        [join(links, 'a link -> of links')],
        ['./absolute', links],
        ['bin/reinit', prefix],
        ['reinit', join(prefix, 'bin')],
      ] as const)
        expect(run(path, ['--', 'echo', 'found'], {}, cwd).stdout, path).toBe('found\n');
    });

    it('reads links also where there is no readlink', () => {
      const programs = scratchDirectory();
      for (const name of ['ls', 'echo', 'uname']) symlinkSync(`/bin/${name}`, join(programs, name));
      const links = scratchDirectory();
      symlinkSync(reinit, join(links, 'a -> b'));
      expect(run(join(links, 'a -> b'), ['--', 'echo', 'found'], { PATH: programs }).stdout).toBe('found\n');
    });

    it('starts the portable mode where it is asked to, and where there is no init', () => {
      const node = join(scratchDirectory(), 'node');
      writeFileSync(node, '#!/bin/sh\nprintf "<%s>" "$@"\n');
      chmodSync(node, 0o755);
      const fake = `${dirname(node)}:${PATH}`;
      const { stdout } = run(reinit, ['--', 'a b', ''], { PATH: fake, REINIT_HOST: 'portable' });
      expect(stdout.replace(/^<.*?\/main\.cjs>/, (path) => `<${basename(path.slice(1, -1))}>`)).toBe('<main.cjs><portable><--><a b><>');

      const copy = scratchDirectory();
      mkdirSync(join(copy, 'bin'));
      copyFileSync(join(prefix, packageDirectory, 'bin/reinit'), join(copy, 'bin/reinit'));
      expect(run(join(copy, 'bin/reinit'), ['x'], { PATH: fake }).stdout).toBe(`<${copy}/bin/../lib/reinit/main.cjs><portable><x>`);
    });
  });

  it('is a link, as npm makes it', () => expect(lstatSync(reinit).isSymbolicLink()).toBe(true));
});
