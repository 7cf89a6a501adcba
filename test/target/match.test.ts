import { describe, expect, test } from 'vitest';
import type { Attach } from '../../src/config/model.ts';
import { type Look, type PidFile, type Process, sightOf } from '../../src/target/match.ts';

const nothing: Attach = { match: undefined, name: undefined, pid_file: undefined };
const master = { match: 'nginx: master' };

function process(pid: number, line: string, more: Partial<Process> = {}): Process {
  const words = line.split('|');
  const comm = (words[0] ?? '').split(/[: ]/)[0]?.split('/').at(-1) ?? '';
  return { pid, parent: 0, startTicks: pid * 100, comm, words, ...more };
}

/** A pod: `pause` is PID 1; reinit, its controller and a validator; the processes of another container. */
const ours: readonly Process[] = [
  process(1, '/pause'),
  process(20, '/opt/reinit/bin/reinit|attach|--match|nginx: master'),
  process(21, 'node|main.cjs|boot|attach|--match|nginx: master', { parent: 20 }),
  process(22, 'nginx: master process of a validator', { parent: 21 }),
];
const nginx = process(7, 'nginx: master process nginx -g daemon off;');
const workers = [8, 9].map((pid) => process(pid, 'nginx: worker process', { parent: 7 }));

const sight = (attach: Partial<Attach>, others: readonly Process[], more: Partial<Look> = {}) =>
  sightOf({ ...nothing, ...attach }, { processes: [...ours, ...others], own: 20, permits: () => true, pidFile: undefined, ...more });
const pidOf = (attach: Partial<Attach>, others: readonly Process[]): number | string | undefined => {
  const seen = sight(attach, others);
  return seen.kind === 'one' ? seen.found.pid : seen.kind;
};

describe('which process is meant', () => {
  test('the one whose command line begins so, with when it was started', () => {
    expect(sight(master, [nginx, ...workers])).toEqual({
      kind: 'one',
      found: { pid: 7, startTicks: 700, startedAt: 7_000, permitted: true },
    });
  });

  test('of a master and its workers the master, also where all are of one name', () => {
    expect(pidOf({ name: 'nginx' }, [...workers, nginx])).toBe(7);
    expect(pidOf({ match: 'nginx' }, [...workers, nginx])).toBe(7);
  });

  test.each([
    ['a shell that mentions it', process(30, 'sh|-c|pgrep -f nginx: master')],
    ['grep', process(30, 'grep|nginx: master')],
    ['an editor, by its path', process(30, '/usr/bin/vi|nginx: master')],
    ['a thread of the kernel', process(30, '', { comm: 'kworker/0:1' })],
    ['what is ours', process(30, 'nginx: master of ours', { parent: 22 })],
  ])('not %s', (_, stranger) => {
    expect(pidOf(master, [stranger, nginx])).toBe(7);
    expect(pidOf(master, [stranger])).toBe('none');
  });

  test.each([
    ['nginx -g', '/usr/sbin/nginx|-g|daemon off;', true],
    ['/usr/sbin/nginx', '/usr/sbin/nginx|-g|daemon off;', true],
    ['sbin/nginx', '/usr/sbin/nginx|-g|daemon off;', false],
    ['nginx', 'sh|-c|/usr/sbin/nginx', false],
    ['*/nginx', 'sh|-c|/usr/sbin/nginx', true],
    ['java * -jar /app.jar', 'java|-Xmx1g|-jar|/app.jar', true],
    ['java *app.jar', 'java|-jar|/lib.jar', false],
    ['a.c', 'abc', false],
    ['a.c (1)', 'a.c (1)', true],
    ['two lines', 'two\nlines', false],
    ['two*lines', 'two\nlines', true],
  ])('%s and %s: %s', (match, line, fits) => expect(pidOf({ match }, [process(30, line)])).toBe(fits ? 30 : 'none'));

  test('by name: the kernel’s, which is cut, or that of the file', () => {
    expect(pidOf({ name: 'a-very-long-program' }, [process(30, 'x', { comm: 'a-very-long-pro' })])).toBe(30);
    expect(pidOf({ name: 'httpd' }, [process(30, '/usr/local/apache2/bin/httpd|-D', { comm: 'other' })])).toBe(30);
    expect(pidOf({ name: 'http' }, [process(30, '/usr/local/apache2/bin/httpd')])).toBe('none');
  });

  test('all that is given has to fit', () => {
    expect(pidOf({ name: 'nginx', match: 'nginx: master' }, [nginx])).toBe(7);
    expect(pidOf({ name: 'httpd', match: 'nginx: master' }, [nginx])).toBe('none');
  });

  test('several that are not each other’s: none', () => {
    const second = process(40, 'nginx: master process nginx');
    expect(sight(master, [nginx, second])).toEqual({ kind: 'several', processes: ['7 (nginx)', '40 (nginx)'] });
  });

  test('a worker that has lost its master is not taken for one', () => {
    expect(pidOf(master, [process(8, 'nginx: worker process', { parent: 1 })])).toBe('none');
  });

  test('who may signal it', () => {
    expect(sight(master, [nginx], { permits: (pid) => pid !== 7 })).toMatchObject({ found: { permitted: false } });
    expect(sight(master, [nginx], { permits: (pid) => pid === 7 })).toMatchObject({ found: { permitted: true } });
  });
});

describe('by pid file', () => {
  const file = '/run/nginx.pid';
  const look = (pidFile: PidFile, others: readonly Process[] = [nginx, ...workers], more: Partial<Attach> = {}) =>
    sight({ pid_file: file, ...more }, others, { pidFile });
  const holds = (pid: number, writtenAt = 7_050): PidFile => ({ kind: 'pid', pid, writtenAt });

  test('the process that it names', () => expect(look(holds(7))).toMatchObject({ kind: 'one', found: { pid: 7 } }));
  test('what the file says, if it says nothing', () =>
    expect(look({ kind: 'problem', problem: 'it is empty' })).toEqual({ kind: 'none', problem: 'it is empty' }));
  test('nobody is there', () =>
    expect(look(holds(70))).toEqual({ kind: 'none', problem: 'process 70, which /run/nginx.pid names, is not there' }));
  test('another one is there', () =>
    expect(look(holds(7), [nginx], { name: 'httpd' })).toEqual({
      kind: 'none',
      problem: 'process 7, which /run/nginx.pid names, is another one',
    }));
  test('a later process has the number', () =>
    expect(look(holds(7, 1_000))).toEqual({
      kind: 'none',
      problem: '/run/nginx.pid is older than process 7, which has that number by now',
    }));
  test('never one of ours', () => expect(look(holds(21))).toMatchObject({ kind: 'none' }));
});

describe('a namespace that is not shared', () => {
  test('we are PID 1', () =>
    expect(sightOf({ ...nothing, ...master }, { processes: [], own: 1, permits: () => true, pidFile: undefined })).toEqual({
      kind: 'alone',
    }));
  test('PID 1 is above us, and nothing else is there', () => {
    const processes = [process(1, 'tini'), process(20, 'reinit', { parent: 1 })];
    const look = (others: readonly Process[]) =>
      sightOf({ ...nothing, ...master }, { processes: [...processes, ...others], own: 20, permits: () => true, pidFile: undefined });
    expect(look([])).toEqual({ kind: 'alone' });
    expect(look([process(30, 'pause')])).toEqual({ kind: 'none', problem: undefined });
  });
  test('a pod whose other containers are still to come is no such', () =>
    expect(sight(master, [])).toEqual({ kind: 'none', problem: undefined }));
});
