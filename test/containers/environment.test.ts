/** Nothing of the image reaches reinit; the application gets all of it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Base, bases, engine, isAvailable, reloaderFor, startContainer } from './engine.ts';
import { applicationIn, completeJob, makeShared, startJob } from './job.ts';

/** What an image's ENV can do to a Node, and to a dynamic loader, that are not careful. */
const hostile = {
  LD_PRELOAD: '/nowhere.so:/hostile/glibc.so:/hostile/musl.so:/hostile/needs-musl.so',
  LD_LIBRARY_PATH: '/hostile',
  LD_AUDIT: '/hostile/glibc.so',
  LD_DEBUG: 'all',
  NODE_OPTIONS: '--require=/nowhere.js',
  NODE_PATH: '/nowhere',
  NODE_EXTRA_CA_CERTS: '/nowhere.pem',
  NODE_V8_COVERAGE: '/hostile/coverage',
  NODE_DEBUG: 'fs,net',
  OPENSSL_CONF: '/hostile/openssl.cnf',
  OPENSSL_MODULES: '/nowhere',
  GLIBC_TUNABLES: 'glibc.malloc.check=3:glibc.rtld.nns=9999',
  UV_THREADPOOL_SIZE: '1024',
  UV_USE_IO_URING: '1',
  CHOKIDAR_USEPOLLING: '1',
  MALLOC_ARENA_MAX: '1',
  MALLOC_PERTURB_: '85',
  LANG: 'xx_XX.nowhere',
  LC_ALL: 'tr_TR.ISO-8859-9',
  LOCPATH: '/hostile',
  TZ: ':/nowhere',
  HOME: '/nowhere',
  TMPDIR: '/nowhere',
  PATH: '',
} as const;

/** What the variables name, and an application that no loader can spoil. */
function hostileFlags(): string[] {
  const directory = makeShared();
  const compile = (...words: readonly string[]) =>
    expect(spawnSync(words[0] ?? '', [...words.slice(1), '-shared', '-fPIC', '-xc', '-'], { input: library }).status).toBe(0);
  compile('cc', '-o', join(directory, 'glibc.so'));
  compile('musl-gcc', '-o', join(directory, 'needs-musl.so')); // of a libc.so that is nowhere: fatal to what preloads it
  copyFileSync('/lib/ld-musl-x86_64.so.1', join(directory, 'musl.so'));
  for (const name of ['libc.so.6', 'libstdc++.so.6', 'libdl.so.2', 'openssl.cnf']) writeFileSync(join(directory, name), 'garbage');
  return ['-v', `${directory}:/hostile`, '-v', `${reloaderFor('scratch')}:/bin/reloader:ro`];
}

const library = '#include <unistd.h>\n__attribute__((constructor)) static void loaded(void) { write(2, "preloaded\\n", 10); _exit(99); }\n';

const environmentOf = (pid: number): Buffer => readFileSync(`/proc/${pid}/environ`);
const variablesOf = (pid: number): string[] => environmentOf(pid).toString('latin1').split('\0').sort();

describe.skipIf(!isAvailable)('what an image says to Node and to loaders', () => {
  // One engine is enough for what only the image decides.
  const images: readonly Base[] = engine === 'docker' ? (Object.keys(bases) as Base[]) : ['debian', 'scratch'];
  it.each(images)('does not reach reinit, and the application whole: %s', async (base) => {
    const variables = Object.entries(hostile).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const flags = [...hostileFlags(), ...variables, '--hostname', 'box'];
    const job = await startJob(base, { flags, command: ['/bin/reloader', '/etc/app/text'] });
    const application = await applicationIn(job.container);
    expect(environmentOf(application)).toEqual(environmentOf(await job.container.pid()));
    const without = await startContainer(`reinit-test/${base}`, {
      flags: [...flags, '--entrypoint', '/bin/reloader'],
      command: ['/nowhere'],
    });
    expect(variablesOf(application)).toEqual(variablesOf(await without.pid()));
    expect(existsSync(`/proc/${application}/root/hostile/coverage`)).toBe(false);
    await completeJob(job);
    expect(job.container.stderr()).not.toMatch(/nowhere|hostile|garbage|preload|locale|tunable/i);
  });

  it.each<Base>(['scratch', 'debian'])('an environment that no text can hold is passed on byte for byte: %s', async (base) => {
    const directory = makeShared();
    const environment = Buffer.concat([...strange].map((bytes) => Buffer.concat([bytes, Buffer.of(0)])));
    writeFileSync(join(directory, 'environment'), environment);
    const job = await startJob(base, {
      flags: ['-v', `${directory}:/given:ro`, '--entrypoint', '/bin/reloader'],
      command: ['--environment', '/given/environment', '/opt/reinit/bin/reinit', '--', '/bin/reloader', '/etc/app/text'],
    });
    expect(environmentOf(await applicationIn(job.container)).equals(environment)).toBe(true);
    await completeJob(job);
  });
});

/** MAX_ARG_STRLEN (execve(2)): with its NUL a string has 32 pages at most. */
const longest = 32 * 4096 - 1;
const latin = (text: string) => Buffer.from(text, 'latin1');
const strange: readonly Buffer[] = [
  latin('TWICE=first'),
  latin('EMPTY='),
  latin('no equals sign'),
  latin('=no name'),
  latin(''),
  latin('TWICE=second'),
  latin('NOT_UTF8=\xff\xfe\x80'),
  latin('\xe4\xf6=in a name'),
  latin('HOSTNAME=\xff'), // what reinit reads, too
  latin('TZ=\xff'),
  latin('REINIT_STRANGER=\xff'),
  latin(`LINES=one\ntwo\r\n\ttab \x1b[31m "quoted' \\`),
  latin(`LONG=${'x'.repeat(longest - 'LONG='.length)}`),
  latin(`REINIT_LONG=${'x'.repeat(longest - 'REINIT_LONG='.length)}`),
  ...Array.from({ length: 600 }, (_, n) => latin(`REINIT_PORT_${n}_TCP=tcp://127.0.0.1:${n}`)), // a Service called reinit, in a large namespace
  latin('TWICE=third'),
];

describe.skipIf(!isAvailable)('an image that holds nothing', () => {
  const usual = 'etc/passwd etc/group etc/nsswitch.conf etc/ld.so.cache tmp lib bin/sh bin/ps usr/bin/getconf'.split(' ');
  // docker mounts a resolv.conf and a hosts of its own into every container.
  const withoutNames = engine === 'podman' ? ['--network', 'host', '--dns', 'none', '--no-hosts', '--passwd=false'] : [];
  const files = engine === 'podman' ? [...usual, 'etc/resolv.conf', 'etc/hosts'] : usual;

  it('no user, no name service, no temporary directory, no shell', async () => {
    const job = await startJob('scratch', { flags: withoutNames });
    const first = await job.container.pid();
    expect(files.filter((file) => existsSync(`/proc/${first}/root/${file}`))).toEqual([]);
    await completeJob(job);
  });
});
