import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { isEmulated, unlessEmulated } from '../fixtures/init/emulated.ts';
import { endAll, namesIn, reinit, says, startInit, statusField, tini } from '../fixtures/init/init.ts';
import { processesOf } from '../fixtures/namespace.ts';

const directory = mkdtempSync(join(tmpdir(), 'reinit-plain-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(endAll);

const file = (name: string, text: string, mode = 0o755): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

async function ends(command: readonly string[], options: Parameters<typeof startInit>[1] = {}) {
  const one = await startInit([reinit, ...command], options);
  return { code: await one.exited, stdout: one.stdout(), stderr: one.stderr() };
}

describe('plain mode', () => {
  it('is one process more than the application, and no Node', async () => {
    const one = await startInit([reinit, '--', '/bin/sleep', '60'], { env: { PATH: '/bin', REINIT_NODE: '/nonexistent' } });
    await eventually('two processes', () => namesIn(one).join() === 'reinit,sleep');
    one.signal('SIGTERM');
    expect(await one.exited).toBe(143);
    expect(one.stderr()).toBe('');
  });

  it('needs no separator before the command, as tini', async () => {
    expect(await ends(['/bin/echo', '-v', '--', '-g'])).toMatchObject({ code: 0, stdout: '-v -- -g\n' });
  });

  it.each([0, 1, 42, 125, 255])('ends with the exit code %i of the application', async (code) => {
    expect((await ends(['--', '/bin/sh', '-c', `exit ${code}`])).code).toBe(code);
  });

  it.each(isEmulated ? [1, 6, 9, 11, 15] : [1, 6, 9, 11, 15, 40])(
    'ends with 128 + %i where that signal ended the application',
    async (signo) => {
      expect((await ends(['--', '/bin/sh', '-c', `ulimit -c 0; kill -${signo} $$`])).code).toBe(128 + signo);
    },
  );

  it('takes the flags that tini takes', async () => {
    const fails = ['/bin/sh', '-c', 'exit 3'];
    expect((await ends(['-s', '-v', '-vv', '-w', '-g', '--', ...fails])).code).toBe(3);
    expect((await ends(['-e', '3', '--', ...fails])).code).toBe(0);
    expect((await ends(['-e', '4', '-e', '3', ...fails])).code).toBe(0);
    expect((await ends(['-e', '143', '--', '/bin/sh', '-c', 'kill -TERM $$'])).code).toBe(0);
    expect((await ends(['-e', '4', '--', ...fails])).code).toBe(3);
    expect((await ends(['-gvs', '-e3', '--', ...fails])).code).toBe(0);
  });

  unlessEmulated('its start may take longer than the half second that the parent lives')(
    'ends by the signal of -p when its parent dies',
    async () => {
      const shell = `${reinit} -p TERM -- ${compiled('record')} 15 & sleep 0.5; kill -9 $$`;
      const one = await startInit([reinit, '-s', '--', '/bin/sh', '-c', `/bin/sh -c '${shell.replaceAll('$$', '$$$$')}'; sleep 60`]);
      await says(one, 'ready');
      await says(one, 'signal 15');
    },
  );

  it('passes environment, directory and arguments on byte for byte', async () => {
    const odd = String.fromCharCode(1, 10, 9, 34, 39, 92, 127);
    const result = spawnSync('env', ['-i', `ODD=${odd}`, 'EMPTY=', 'no-equals=x', reinit, '--', '/usr/bin/env', '-0'], { cwd: directory });
    expect(result.stdout.toString().split('\0').sort()).toEqual(['', 'EMPTY=', `ODD=${odd}`, 'no-equals=x'].sort());
    const script = `printf '%s\\0' "$@"; pwd`;
    const args = ['', 'a\nb', '$HOME', '*', ' '];
    expect(spawnSync(reinit, ['--', '/bin/sh', '-c', script, 'sh', ...args], { cwd: directory }).stdout.toString()).toBe(
      `${args.join('\0')}\0${directory}\n`,
    );
  });

  it.each([
    ['not found', '/nonexistent/program', 127, 'exec: No such file'],
    ['not found on the PATH', 'no-such-program-anywhere', 127, 'exec: No such file'],
    ['an empty name', '', 127, 'exec: No such file'],
    ['not executable', file('text', 'echo', 0o644), 126, 'exec: Permission denied'],
    ['a directory', directory, 126, 'exec: Permission denied'],
    ['a bad interpreter', file('bad-shebang', '#!/nonexistent/interpreter\n'), 126, 'interpreter: No such file'],
    ['no interpreter line', file('no-shebang', 'echo hello\n'), 126, 'exec: Exec format error'],
    ['a path through a file', join(file('a-file', ''), 'program'), 127, 'exec: Not a directory'],
  ])('cannot start %s: the code, the stage and the reason', async (_, program, code, text) => {
    const result = await ends(['--', program]);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(/^reinit: error: cannot start .*\n$/);
    expect(result.stderr).toContain(text);
  });

  it('looks on the PATH of the container, past what cannot be executed', async () => {
    mkdirSync(join(directory, 'first'), { recursive: true });
    mkdirSync(join(directory, 'second'), { recursive: true });
    file('first/tool', 'x', 0o644);
    file('second/tool', '#!/bin/sh\necho second\n');
    const env = { PATH: `${directory}/first:${directory}/second:/usr/bin:/bin` };
    expect((await ends(['--', 'tool'], { env })).stdout).toBe('second\n');
  });

  it('says what it needs where there is nothing to run', async () => {
    expect(await ends([])).toMatchObject({ code: 100, stderr: expect.stringContaining('usage:') });
    expect((await ends(['--'])).code).toBe(100);
    expect((await ends(['version'])).stdout).toMatch(/^reinit \d+\.\d+\.\d+\n$/);
  });

  it('never blocks on its own words: a full, a closed and a broken stderr', async () => {
    // A fifo that is full and never read: tini hangs in write(2) on it, with everything that it has to do.
    const fifo = join(directory, 'full');
    spawnSync('mkfifo', [fifo]);
    const fill = `exec 3<>${fifo}; dd if=/dev/zero of=${fifo} oflag=nonblock bs=4096 count=1000 2>/dev/null;`;
    const run = (init: string, redirect: string) =>
      startInit(['/bin/bash', '-c', `${fill} timeout -s KILL 3 ${init} -- /nonexistent ${redirect}; echo "code $?"`]);
    for (const redirect of [`2>${fifo}`, '2>&-', '2> >(exec true)', '2>/dev/full']) {
      const one = await run(`${reinit} -s`, redirect);
      await one.exited;
      expect(one.stdout(), redirect).toBe('code 127\n');
    }
    const other = await run(`${tini} -s`, `2>${fifo}`);
    await other.exited;
    expect(other.stdout()).toBe('code 137\n');
  });

  it('does without standard streams', async () => {
    const report = compiled('report');
    for (const closed of [[0], [1], [2], [0, 1, 2]]) {
      const to = join(directory, `report-${closed.join('')}`);
      const redirects = closed.map((fd) => `${fd}<&-`).join(' ');
      const one = await startInit(['/bin/sh', '-c', `REPORT_TO=${to} exec ${reinit} -- ${report} ${redirects}`]);
      expect(await one.exited).toBe(0);
      const { stdout } = spawnSync('sed', ['-n', 's/^fd \\([0-9]*\\) .*/\\1/p', to]);
      const left = stdout.toString().split('\n').filter(Boolean).map(Number).sort();
      expect(left).toEqual([0, 1, 2].filter((fd) => !closed.includes(fd)));
    }
  });

  unlessEmulated('its own memory is much more')('is small: its memory is a few pages', async () => {
    const one = await startInit([reinit, '--', '/bin/sleep', '60']);
    await eventually('two processes', () => processesOf(one.id).length === 2);
    expect(Number.parseInt(statusField(one.pid, 'VmRSS'), 10)).toBeLessThanOrEqual(150);
  });
});
