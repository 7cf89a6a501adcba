/** Real files, real programs, real mounts: what a start would find. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeConfig } from '../config/support.ts';
import { examine, examineMounted } from '../fixtures/doctoring.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

/** A configuration file. JSON is YAML. */
const configured = (settings: object): string => writeConfig(JSON.stringify(settings));

function program(directory: string, name: string, text: string, mode = 0o755): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test('a ConfigMap, a validator that accepts, a command that is there: no error', async () => {
  const volume = join(scratchDirectory(), 'volume');
  await createVolume(volume, { 'app.conf': 'x' });
  const config = configured({
    command: ['sh', '-c', 'exec sleep 1'],
    watch: [{ paths: [volume], validate: ['test', '-f', join(volume, 'app.conf')] }],
  });
  const { code, get, findings } = await examine(['-c', config]);
  expect([code, findings.filter(({ level }) => level === 'error')]).toEqual([0, []]);
  expect(get('watch.readable')?.title).toMatch(/1 file can be read, in a volume that kubelet writes/);
  expect(get('validate.accepted')?.level).toBe('ok');
});

test('mistakes are all told, and the rest is looked at all the same', async () => {
  const { code, findings, brief } = await examine(['-c', writeConfig('stop_timeout: 5\nbanana: 1')]);
  expect(code).toBe(1);
  expect(brief().filter((line) => line === 'error config.mistake')).toHaveLength(2);
  expect(findings.some(({ id }) => id.startsWith('pid1.'))).toBe(true);
});

test('a doubt is a warning, which only --strict counts', async () => {
  const directory = scratchDirectory();
  const config = configured({
    command: ['true'],
    watch: [{ paths: [directory], validate: ['true', join(directory, 'x')], publish: join(directory, '../reinit-doctor-published') }],
  });
  const doubtful = await examine(['-c', config, '--no-run']);
  expect(doubtful.get('config.doubt')?.title).toContain('{{snapshot}}');
  expect(doubtful.get('validate.not_run')?.level).toBe('info');
  expect([doubtful.code, (await examine(['-c', config, '--no-run', '--strict'])).code]).toEqual([0, 1]);
});

test('programs that cannot be started, each for its own reason', async () => {
  const directory = scratchDirectory();
  const validate = [
    program(directory, 'crlf', '#!/bin/sh\r\nexit 0\r\n'),
    program(directory, 'lost', '#!/nowhere/python\n'),
    program(directory, 'plain', 'no first line\n'),
    program(directory, 'locked', '#!/bin/sh\n', 0o644),
    'no-such-program',
  ];
  const config = configured({
    command: ['true'],
    watch: validate.map((file, n) => ({ name: `r${n}`, paths: [directory], validate: [file] })),
  });
  const { code, findings, get } = await examine(['-c', config]);
  expect(code).toBe(1);
  const titles = findings.filter(({ id, level }) => id === 'program.start' && level === 'error').map(({ title }) => title);
  expect(titles).toEqual([
    expect.stringContaining('Windows line ends'),
    expect.stringContaining('asks for /nowhere/python'),
    expect.stringContaining('neither a program nor a script'),
    expect.stringContaining('may not execute'),
    expect.stringContaining('there is no no-such-program in PATH'),
  ]);
  // And what a start would say.
  expect(get('validate.failed', 'r4')?.title).toMatch(/no-such-program cannot be started: .*stage: exec/);
  expect(get('validate.failed', 'r1')?.title).toMatch(/stage: interpreter/);
});

test('a working directory that cannot even be looked at', async () => {
  const loop = join(scratchDirectory(), 'loop');
  symlinkSync(loop, loop);
  const config = configured({ command: ['true'], working_dir: loop, watch: [{ paths: ['/etc/hostname'], validate: ['true'] }] });
  const { get } = await examine(['-c', config]);
  expect(get('program.working_dir')?.level).toBe('error');
  expect(get('validate.failed')?.title).toMatch(/stage: cwd/);
});

describe('validators', () => {
  test('the exit code and the words; the first that says no is the last one asked', async () => {
    const config = configured({
      command: ['true'],
      watch: [{ paths: ['/etc'], recursive: false, validate: [['sh', '-c', 'echo on line 7 >&2; exit 3'], ['true']] }],
    });
    const { code, get, findings } = await examine(['-c', config]);
    expect(code).toBe(1);
    expect(get('validate.refused')).toMatchObject({ title: 'sh says no (exit code 3)', detail: 'on line 7' });
    expect(findings.filter(({ id }) => id.startsWith('validate.'))).toHaveLength(1);
  });

  test('a time limit that is kept, with what it had printed', async () => {
    const config = configured({
      command: ['true'],
      watch: [{ paths: ['/etc/hostname'], validate_timeout: '2s', validate: ['sh', '-c', 'echo waiting; sleep 60'] }],
    });
    const { get } = await examine(['-c', config]);
    expect(get('validate.failed')).toMatchObject({ title: expect.stringContaining('timed out after 2s'), detail: 'waiting' });
  });

  test('in the environment, the working directory and the umask of a start', async () => {
    const directory = scratchDirectory();
    mkdirSync(join(directory, 'env'));
    writeFileSync(join(directory, 'env/FROM_FILE'), 'seen\n');
    const look = '[ "$(pwd):$(umask):$A:$B:$C:$FROM_FILE" = "$1:0027:set::kept:seen" ]';
    const config = configured({
      command: ['true'],
      working_dir: directory,
      umask: '027',
      environment: { A: 'set', B: null },
      env_from: [join(directory, 'env')],
      watch: [{ paths: ['/etc/hostname'], validate: ['sh', '-c', look, 'sh', directory] }],
    });
    const { get, findings } = await examine(['-c', config], { B: 'taken away', C: 'kept' });
    expect(get('validate.accepted'), JSON.stringify(findings)).toBeDefined();
  });

  test('a copy where a start makes one; nothing is left of it', async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, 'a'), 'one');
    const config = configured({
      command: ['true'],
      watch: [{ paths: [directory], validate: ['sh', '-c', 'echo "$1"; cat "$1/a"; exit 1', 'sh', '{{snapshot}}'] }],
    });
    const { get } = await examine(['-c', config]);
    const [copy = '', content] = get('validate.refused')?.detail.split('\n') ?? [];
    expect(content).toBe('one');
    expect(copy).toMatch(/reinit-doctor-/);
    expect(copy.startsWith(directory)).toBe(false);
    expect(
      (await examine(['-c', configured({ command: ['true'], watch: [{ paths: [copy.replace(/(reinit-doctor-\w+).*/, '$1')] }] })])).get(
        'watch.missing',
      ),
    ).toBeDefined();
  });

  test('planted secrets are in nothing that is said', async () => {
    const directory = scratchDirectory();
    mkdirSync(join(directory, 'env'));
    writeFileSync(join(directory, 'env/SETTING'), 'planted-in-a-file');
    writeFileSync(join(directory, 'app.conf'), 'planted-as-content');
    const config = configured({
      command: ['true', '--password=planted-argument'],
      environment: { API_TOKEN: 'planted-token' },
      env_from: [join(directory, 'env')],
      watch: [
        {
          paths: [join(directory, 'app.conf')],
          validate: ['sh', '-c', 'echo "$SETTING $API_TOKEN $DB_PASSWORD said"; exit 1', 'planted-argument'],
        },
      ],
    });
    const { get, text } = await examine(['-c', config, '-v'], { DB_PASSWORD: 'planted-password' });
    expect(get('validate.refused')?.detail).toBe('*** *** *** said');
    expect(text).not.toContain('planted');
  });

  test('nor is a part of one, where long words are cut', async () => {
    const said = 'printf "%0990d" 0; printf %s "$DB_PASSWORD"; printf "%01500d" 0; exit 1';
    const config = configured({ command: ['true'], watch: [{ paths: ['/etc/hostname'], validate: ['sh', '-c', said] }] });
    const { get, text } = await examine(['-c', config], { DB_PASSWORD: 'planted-password' });
    expect(get('validate.refused')?.detail).toMatch(/^0+\*\*\*0+ … 0+$/);
    expect(text).not.toContain('planted');
  });
});

test('links: one that leads nowhere, one that leads away; a path that is missing', async () => {
  const [directory, elsewhere] = [scratchDirectory(), scratchDirectory()];
  writeFileSync(join(elsewhere, 'real'), 'x');
  symlinkSync(join(elsewhere, 'real'), join(directory, 'away'));
  symlinkSync('/nowhere/at/all', join(directory, 'lost'));
  const config = configured({ command: ['true'], watch: [{ paths: [directory, join(directory, 'absent')] }] });
  const { brief, get, code } = await examine(['-c', config]);
  expect(brief()).toEqual(expect.arrayContaining(['warn watch.missing', 'warn watch.dangling', 'info watch.outside']));
  expect(get('watch.dangling')?.title).toContain(join(directory, 'lost'));
  expect(code).toBe(0);
});

test('programs of probes', async () => {
  const probe = { exec: { command: ['no-such-probe'] } };
  const { findings } = await examine(['-c', configured({ command: ['true'], liveness: probe, readiness: probe })]);
  const wrong = findings.filter(({ id, level }) => id === 'program.start' && level === 'error').map(({ title }) => title);
  expect(wrong).toEqual([expect.stringMatching(/^liveness: /), expect.stringMatching(/^readiness: /)]);
});

test('without a file: worth knowing, and no warning', async () => {
  const { findings, get } = await examine(['--nice', '1']);
  expect(get('config.no_file')?.level).toBe('info');
  expect(findings.filter(({ id }) => id === 'config.doubt')).toEqual([]);
});

describe.skipIf(!isRoot)('as root', () => {
  test('users: unknown; known, but a Secret is not theirs to read', async () => {
    const directory = scratchDirectory();
    chmodSync(directory, 0o755);
    const secrets = join(directory, 'secrets');
    await createVolume(secrets, { key: 'x' }, { mode: 0o400 });
    const watch = [{ paths: [secrets], validate: ['sh', '-c', 'test "$(id -u)" = 33'] }];
    const unknown = await examine(['-c', configured({ command: ['true'], user: 'nobody-knows', watch })]);
    expect(unknown.get('user.unknown')?.title).toContain('no user "nobody-knows" in /etc/passwd');
    const known = await examine(['-c', configured({ command: ['true'], user: 'www-data', watch })]);
    expect(known.get('user.reads')).toMatchObject({ level: 'warn', detail: expect.stringContaining('is 0400, of 0:0') });
    expect(known.get('validate.accepted')?.level).toBe('ok');
  });

  test('mounts: a subPath, a stale one, and a read-only place to publish to', async () => {
    const directory = scratchDirectory();
    const volume = join(directory, 'kubernetes.io~configmap/app');
    await createVolume(volume, { 'app.yaml': '0' });
    for (const name of ['subpath', 'stale', 'host']) writeFileSync(join(directory, name), '');
    for (const name of ['whole', 'ro']) mkdirSync(join(directory, name));
    const config = configured({
      command: ['true'],
      state_dir: join(directory, 'ro/state'),
      watch: [
        { name: 'sub', paths: [join(directory, 'subpath')] },
        { name: 'old', paths: [join(directory, 'stale')] },
        { name: 'good', paths: [join(directory, 'whole')], validate: ['true', '{{snapshot}}'], publish: join(directory, 'ro/published') },
        { name: 'staged', paths: [join(directory, 'whole')], validate: ['true', '{{snapshot}}'] },
      ],
    });
    const { code, get, brief } = await examineMounted(
      [
        `mount --bind "$(realpath ${volume}/app.yaml)" ${directory}/subpath`,
        `mount --bind ${directory}/host ${directory}/stale`,
        `echo new >${directory}/host.new && mv ${directory}/host.new ${directory}/host`,
        `mount --bind ${volume} ${directory}/whole && mount -o remount,bind,ro ${directory}/whole`,
        `for place in ${directory}/ro /run /dev/shm; do mount -t tmpfs -o ro none $place; done`,
      ],
      ['-c', config],
    );
    expect(code).toBe(1);
    expect(get('watch.subpath', 'sub')).toMatchObject({ level: 'error', remedy: expect.stringContaining('without subPath') });
    expect(get('watch.stale_mount', 'old')?.level).toBe('error');
    expect(get('watch.readable', 'good')?.title).toMatch(/kubelet writes.*mounted read-only/);
    expect(get('write.state_dir')).toMatchObject({ level: 'error', title: expect.stringContaining('read-only file system') });
    expect(get('write.publish', 'good')).toMatchObject({ level: 'error', remedy: expect.stringContaining('below /run or /dev/shm') });
    expect(get('validate.accepted', 'good')?.level, brief().join('\n')).toBe('ok');
  });
});
