import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Effect } from '../../src/link/messages.ts';
import { constants } from '../../src/link/messages.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, startDriven } from '../fixtures/init/controller.ts';
import { helper, hold, orders, spawn } from '../fixtures/init/effects.ts';
import { unlessEmulated } from '../fixtures/init/emulated.ts';
import { statusField } from '../fixtures/init/init.ts';
import { environment, parse } from '../fixtures/init/report.ts';

const directory = mkdtempSync(join(tmpdir(), 'reinit-spawn-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(endDriven);

const report = compiled('report');
const flags = constants.spawnFlags.values;
const bytes = (...texts: (string | Buffer)[]): Buffer[] => texts.map((text) => Buffer.from(text));

/** Spawns report and gives what it tells. */
async function reported(effect: Effect, options: Parameters<typeof startDriven>[1] = {}) {
  const { one, controller } = await startDriven([report], options);
  const life = await controller.life(0);
  life.commit([orders({ main_end: hold }), effect]);
  const exited = await event(life, 'exited');
  return { lines: parse(one.stdout()), exited, one, life };
}

const field = (lines: Map<string, string[]>, name: string): string =>
  lines
    .get('status')
    ?.find((line) => line.startsWith(`${name}:`))
    ?.split(/\s+/)[1] ?? '';

describe('spawn', () => {
  it('gives arguments, environment and directory byte for byte, also what is not UTF-8', async () => {
    const odd = Buffer.from([0xff, 0xfe, 10, 1, 0xc3, 0x28, 34, 92]);
    const argv = [Buffer.from(report), odd, Buffer.alloc(0), Buffer.from('a\nb'), Buffer.alloc(100_000, 'x')];
    const env_set = [Buffer.concat([Buffer.from('ODD='), odd]), Buffer.from('KEPT=new'), Buffer.from('E=')];
    const env = { PATH: '/bin', KEPT: 'old', GONE: '1', GONE_TOO: '2', STAYS: '3' };
    const { lines } = await reported(spawn(1, { argv, env_set, env_unset: bytes('GONE'), cwd: Buffer.from(directory) }), { env });
    expect(lines.get('arg')).toEqual(argv.map((text) => text.toString('hex')));
    const variables = environment(lines);
    expect(variables).toEqual(expect.arrayContaining([`ODD=${odd.toString('latin1')}`, 'KEPT=new', 'E=', 'GONE_TOO=2', 'STAYS=3']));
    expect(variables.filter((one) => /^(KEPT=old|GONE=)/.test(one))).toEqual([]);
    expect(lines.get('cwd')).toEqual([Buffer.from(directory).toString('hex')]);
  });

  it('starts from an empty environment where told so', async () => {
    const { lines } = await reported(spawn(1, { flags: flags.clear_env, env_set: bytes('ONLY=this') }));
    expect(lines.get('env')).toEqual([Buffer.from('ONLY=this').toString('hex')]);
  });

  it('lets the last word about a name count, of 30,000 variables, in no time', async () => {
    const names = Array.from({ length: 30_000 }, (_, n) => `N${n}`);
    const env_set = bytes('N1=first', ...names.map((name) => `${name}=set`), 'N2=last', 'BACK=again', 'A=1', 'AB=2');
    const env = { N3: 'inherited', BACK: 'old', GONE: '1', GONER: 'stays', A: '0' };
    const before = performance.now();
    const { lines } = await reported(spawn(1, { env_set, env_unset: bytes('BACK', 'GONE', 'NEVER') }), { env });
    // Looking through all others for each took 18 s.
    expect(performance.now() - before).toBeLessThan(8_000);
    const values = names.map((name) => `${name}=${name === 'N2' ? 'last' : 'set'}`);
    const expected = [...values, 'BACK=again', 'A=1', 'AB=2', 'GONER=stays'];
    const variables = environment(lines).filter((one) => !one.startsWith('REINIT_'));
    expect(variables.sort()).toEqual(expected.sort());
  });

  it('takes as many strings as a frame holds', async () => {
    const argv = [Buffer.from(report), ...Array.from({ length: 70_000 }, () => Buffer.from('x'))];
    const { lines } = await reported(spawn(1, { argv }));
    expect(lines.get('arg')).toHaveLength(70_001);
  });

  unlessEmulated('it leaves out setrlimit(RLIMIT_STACK)')('sets user, groups, umask, nice, limits and no_new_privs', async () => {
    const more = { uid: 1234, gid: 2345, groups: bytes('7', '3456'), umask: 0o27, nice: 5, flags: flags.no_new_privs };
    const { lines } = await reported(spawn(1, { ...more, rlimits: bytes('nofile=77:99', 'core=0', 'stack=1048576:unlimited') }));
    expect(lines.get('ids')).toEqual(['1234 1234 2345 2345']);
    expect(
      lines
        .get('status')
        ?.find((line) => line.startsWith('Groups'))
        ?.trim(),
    ).toMatch(/^Groups:\s+7 3456$/);
    expect(lines.get('umask')).toEqual(['27']);
    expect(lines.get('nice')).toEqual(['5']);
    expect(lines.get('limit')).toEqual(expect.arrayContaining(['nofile 77 99', 'core 0 0', 'stack 1048576 -1']));
    expect(field(lines, 'NoNewPrivs')).toBe('1');
    expect(field(lines, 'CapEff')).toMatch(/^0+$/);
  });

  it('gives the streams to the user, so that /dev/stderr can be opened by path', async () => {
    const script = '[ "$(id -u)" = 1234 ] && echo out >/dev/stdout && echo err >/dev/stderr && echo opened';
    const { one, controller } = await startDriven(['/bin/sh', '-c', script]);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), spawn(1, { uid: 1234, gid: 1234 })]);
    expect((await event(life, 'exited')).status).toBe(0);
    expect(one.stdout()).toContain('opened');
    life.commit([helper(2, ['/bin/sh', '-c', script], { uid: 1235, gid: 1235, flags: flags.capture })]);
    const checked = await event(life, 'exited', ({ token }) => token === 2);
    // It is 1235: the test itself ends with 1, and says nothing about opening.
    expect(checked.status).toBe(256);
    life.commit([
      helper(3, ['/bin/sh', '-c', 'echo both >/dev/stdout && echo ways >/dev/stderr'], { uid: 1235, gid: 1235, flags: flags.capture }),
    ]);
    expect((await event(life, 'exited', ({ token }) => token === 3)).output.toString()).toBe('both\nways\n');
  });

  it('leaves descriptors 0, 1 and 2, no mask, default effects, whatever init itself had', async () => {
    const through = ['/bin/bash', '-c', `trap '' HUP USR2 PIPE; exec 5</dev/null 9<>/dev/null 63</; exec "$@"`, 'bash'];
    for (const effect of [spawn(1), helper(1, [report]), spawn(1, { flags: flags.session })]) {
      const { lines } = await reported(effect, { through });
      expect((lines.get('fd') ?? []).map((line) => line.split(' ')[0])).toEqual(['0', '1', '2']);
      for (const mask of ['SigBlk', 'SigIgn', 'SigCgt', 'SigPnd']) expect(field(lines, mask), mask).toMatch(/^0+$/);
    }
  });

  it('leaves the very same open files, with their flags as they were', async () => {
    const path = join(directory, 'stdin');
    writeFileSync(path, 'one\ntwo\nthree\n');
    // A file offset is part of the open file description: what the application reads, the others find read.
    const through = ['/bin/sh', '-c', `exec <${path}; read -r line; exec "$@"`, 'sh'];
    const { one, controller } = await startDriven([report], { through });
    const life = await controller.life(0);
    const info = (fd: number): string => readFileSync(`/proc/${one.pid}/fdinfo/${fd}`, 'utf8').replace(/^pos.*\n/, '');
    const before = [0, 1, 2].map(info);
    life.commit([orders({ main_end: hold }), spawn(1, { argv: bytes('/bin/sh', '-c', 'read -r line; echo "$line"') })]);
    await event(life, 'exited');
    expect(one.stdout()).toBe('two\n');
    expect(readFileSync(`/proc/${one.pid}/fdinfo/0`, 'utf8')).toMatch(/^pos:\t8$/m);
    life.commit([helper(2, ['/bin/true'])]);
    await event(life, 'exited', ({ token }) => token === 2);
    expect([0, 1, 2].map(info)).toEqual(before);
    expect(before.join()).not.toMatch(/^flags:\t0?1?0*4\d\d\d$/m); // O_NONBLOCK
  });

  it('makes a group for the application, a session for helpers and where told so', async () => {
    const main = (await reported(spawn(1))).lines;
    expect(main.get('pgid')).toEqual(main.get('pid'));
    expect(main.get('ppid')).toEqual(['1']);
    expect(main.get('sid')).not.toEqual(main.get('pid'));
    for (let i = 0; i < 20; i++) {
      const session = (await reported(spawn(1, { flags: flags.session }))).lines;
      expect(session.get('sid')).toEqual(session.get('pid'));
    }
    const help = (await reported(helper(1, [report]))).lines;
    expect(help.get('sid')).toEqual(help.get('pid'));
    expect(help.get('fd')?.[0]).toMatch(/^0 \d+ 20000 /); // /dev/null: a character device
  });

  it.each([
    ['a program that is not there', { argv: bytes('/nonexistent') }, 'exec', 127],
    ['a directory that is not there', { cwd: Buffer.from('/nonexistent') }, 'cwd', 126],
    ['a directory that the user may not enter', { cwd: Buffer.from('/root'), uid: 1234, gid: 1234 }, 'cwd', 126],
    ['an unknown limit', { rlimits: bytes('nonsense=1') }, 'limits', 126],
    ['a limit beyond what is possible', { rlimits: bytes('nofile=9999999999999:9999999999999') }, 'limits', 126],
    ['no interpreter', { argv: bytes('/etc/hostname') }, 'exec', 126],
  ])('tells the stage of %s', async (_, over, stage, exit_code) => {
    const { controller } = await startDriven([report]);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), spawn(1, over)]);
    const failed = await event(life, 'spawn_failed');
    expect(failed).toMatchObject({ token: 1, exit_code });
    expect(failed.stage.toString()).toBe(stage);
    expect(failed.text.toString()).not.toBe('');
    life.commit([spawn(2)], { ack: failed.seq });
    await event(life, 'spawned', ({ token }) => token === 2);
  });

  it('tells of a user that it may not become', async () => {
    const { controller } = await startDriven([report], { uid: 4321 });
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), spawn(1, { uid: 1 })]);
    expect((await event(life, 'spawn_failed')).stage.toString()).toMatch(/^(user|groups)$/);
  });

  it('tells of what cannot be captured, and forgets nothing for it', async () => {
    const { one, controller } = await startDriven([report]);
    const life = await controller.life(0);
    const count = (): number => Number(statusField(one.pid, 'FDSize'));
    const before = count();
    for (let round = 0; round < 30; round++) {
      const first = round * 6 + 1;
      const sleeps = Array.from({ length: 6 }, (_, i) => helper(first + i, ['/bin/sleep', '0.01'], { flags: flags.capture }));
      life.commit(sleeps);
      for (let token = first; token < first + 4; token++) await event(life, 'exited', (one) => one.token === token);
      const failed = await event(life, 'spawn_failed', (one) => one.token === first + 5);
      expect(failed.text.toString()).toMatch(/busy/);
      life.commit([], { ack: Math.max(...life.events.map(({ seq }) => seq)) });
    }
    expect(count()).toBe(before);
  });
});
