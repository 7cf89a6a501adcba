/** Small things that the checks stand on, with hostile input. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { contentKind, interpreterPath } from '../../src/doctor/binary.ts';
import { parseLimits } from '../../src/doctor/facts/kernel.ts';
import { parseVariables } from '../../src/doctor/facts/variables.ts';
import { error, info, ok, warn } from '../../src/doctor/finding.ts';
import { type Actor, has, parseIdentity, refusedAt, type Trail } from '../../src/doctor/identity.ts';
import { jsonReport, textReport } from '../../src/doctor/report.ts';
import { ancestry, applicationOf, argumentsOf, initsAmong, isShell } from '../../src/doctor/running.ts';
import type { Process } from '../../src/target/match.ts';

describe('what a file is to the kernel', () => {
  const script = (text: string) => contentKind(Buffer.from(text));
  test.each([
    ['#!/bin/sh\necho', '/bin/sh', false],
    ['#! /usr/bin/env node\n', '/usr/bin/env', false],
    ['#!/bin/sh\r\necho\r\n', '/bin/sh', true],
    ['#!/bin/sh', '/bin/sh', false],
    ['#!\n', '', false],
  ])('%j', (text, interpreter, crlf) => expect(script(text)).toEqual({ kind: 'script', interpreter, crlf }));

  test('this very Node: its machine and its loader', () => {
    const head = readFileSync(process.execPath).subarray(0, 4096);
    const content = contentKind(head);
    expect(content).toMatchObject({ kind: 'elf', machine: process.arch });
    expect(interpreterPath(content) ?? '/lib/ld-').toMatch(/\/ld-/);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a short head', Buffer.from('\x7fELF')],
    ['text', Buffer.from('echo hello\n')],
  ])('%s is neither', (_, head) => expect(contentKind(head)).toEqual({ kind: 'other' }));

  test('a header that points anywhere: no loader, no exception', () => {
    for (const filler of [0x00, 0x01, 0x7f, 0xff]) {
      const head = Buffer.alloc(4096, filler);
      Buffer.from('\x7fELF\x02', 'latin1').copy(head);
      head.writeUInt16LE(62, 18);
      expect(contentKind(head)).toEqual({ kind: 'elf', machine: 'x64', loader: undefined });
      head.writeBigUInt64LE(64n, 32); // headers inside, of which one names a place outside
      head.writeUInt16LE(56, 54);
      head.writeUInt16LE(65_535, 56);
      head.writeUInt32LE(3, 64);
      head.writeBigUInt64LE(2n ** 63n, 72);
      expect(contentKind(head)).toMatchObject({ kind: 'elf', loader: undefined });
    }
  });
});

describe('who may open what', () => {
  const trail = (...modes: readonly number[]): Trail => modes.map((mode, index) => ({ path: `/${index}`, mode, uid: 0, gid: 7 }));
  const user: Actor = { text: 'user 5:5', uid: 5, gid: 5, groups: [], overrides: false };
  const refused = (actor: Partial<Actor>, want: 'read' | 'execute', ...modes: readonly number[]) =>
    refusedAt(trail(...modes), { ...user, ...actor }, want)?.path;
  test.each<[string, Partial<Actor>, 'read' | 'execute', readonly number[], string | undefined]>([
    ['others', {}, 'read', [0o755, 0o755, 0o644], undefined],
    ['a Secret of mode 0400', {}, 'read', [0o755, 0o755, 0o400], '/2'],
    ['with the fsGroup', { groups: [7] }, 'read', [0o755, 0o755, 0o440], undefined],
    ['the group’s bits count for the group, also where others have more', { gid: 7 }, 'read', [0o755, 0o604], '/1'],
    ['the owner’s likewise', { uid: 0, gid: 5 }, 'read', [0o055], '/0'],
    ['a directory that may not be passed', {}, 'read', [0o755, 0o700, 0o644], '/1'],
    ['one that may be passed, not read', {}, 'read', [0o755, 0o711, 0o644], undefined],
    ['CAP_DAC_OVERRIDE', { overrides: true }, 'read', [0o000, 0o000], undefined],
    ['executable for nobody, with CAP_DAC_OVERRIDE', { overrides: true }, 'execute', [0o700, 0o644], '/1'],
    ['executable', {}, 'execute', [0o755, 0o755], undefined],
    ['nothing at all', {}, 'read', [], undefined],
  ])('%s', (_, actor, want, modes, at) => expect(refused(actor, want, ...modes)).toBe(at));

  test('identity out of /proc/PID/status', () => {
    const status = 'Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nCapEff:\t00000000000000e0\nNoNewPrivs:\t1\n';
    const identity = parseIdentity(status);
    expect(identity).toEqual({ uid: 2, gid: 6, groups: [9, 10], capabilities: 0xe0n, noNewPrivileges: true });
    if (identity === undefined) return;
    expect([has(identity, 'KILL'), has(identity, 'SETUID'), has(identity, 'DAC_OVERRIDE')]).toEqual([true, true, false]);
    expect(parseIdentity('')).toBeUndefined();
    expect(parseIdentity('Uid:\t0\t0\nGid:\t0\t0\nCapEff:\tzz\nGroups:\nNoNewPrivs:\t0\n')).toMatchObject({ capabilities: 0n, groups: [] });
  });
});

describe('which process is which', () => {
  const process = (pid: number, parent: number, comm: string, words: readonly string[] = [comm], startTicks = pid): Process => ({
    pid,
    parent,
    comm,
    words,
    startTicks,
  });
  const controller = process(2, 1, 'MainThread', ['reinit', '/opt/reinit/lib/reinit/node', '/opt/reinit/lib/reinit/main.cjs', 'boot']);
  const container = [process(1, 0, 'reinit', ['/opt/reinit/bin/reinit', '--', 'nginx']), process(3, 1, 'reinit-pump'), controller];

  test('init is who no other one started; a pump, and whoever asks, are none', () => {
    const fork = process(8, 1, 'reinit'); // on its way to become a validator
    expect(initsAmong([...container, fork], 9).map(({ pid }) => pid)).toEqual([1]);
    expect(initsAmong(container, 1)).toEqual([]);
    expect(initsAmong([process(5, 4, 'reinit'), process(8, 7, 'reinit')], 9).map(({ pid }) => pid)).toEqual([5, 8]);
    expect(initsAmong([], 9)).toEqual([]);
  });

  test('the application is the oldest child that is none of ours; a nest is looked into', () => {
    const orphan = process(40, 1, 'helper');
    expect(applicationOf([...container, orphan, process(10, 1, 'nginx')], 1)?.pid).toBe(10);
    expect(applicationOf([...container, process(10, 1, 'reinit-nest'), process(11, 10, 'nginx'), process(12, 11, 'nginx')], 1)?.pid).toBe(
      11,
    );
    expect(applicationOf(container, 1)).toBeUndefined();
    // Between two instances the pump of `output` is older than all that follows.
    const pump = process(4, 1, 'reinit-output', ['reinit']);
    expect(applicationOf([...container, pump], 1)).toBeUndefined();
    expect(applicationOf([...container, pump, process(10, 1, 'nginx')], 1)?.pid).toBe(10);
    expect(applicationOf([...container, process(10, 1, 'MainThread', ['node', '/srv/app/main.cjs'])], 1)?.pid).toBe(10);
    expect(applicationOf([process(1, 1, 'reinit')], 1)).toBeUndefined();
  });

  test('parents in a circle end', () => {
    expect(ancestry([process(2, 3, 'a'), process(3, 2, 'b')], 2).map(({ pid }) => pid)).toEqual([2, 3]);
    expect(applicationOf([process(2, 3, 'reinit'), process(3, 2, 'reinit-nest')], 2)).toBeUndefined();
  });

  test.each([
    ['reinit -- nginx -g x', [], ['nginx', '-g', 'x']],
    ['reinit nginx -t', [], ['nginx', '-t']],
    ['reinit run -c f -- app --', ['-c', 'f'], ['app', '--']],
    ['reinit --watch /a', ['--watch', '/a'], []],
    ['reinit attach --name x', ['attach', '--name', 'x'], []],
    ['reinit', [], []],
  ])('%s', (line, own, command) => expect(argumentsOf(process(1, 0, 'reinit', line.split(' ')))).toEqual({ own, command }));

  test('shells', () => {
    expect(['/bin/sh', 'bash', '-bash', 'busybox'].every(isShell)).toBe(true);
    expect(['nginx', 'fish-server', '', '/sh/app'].some(isShell)).toBe(false);
  });
});

test('variables: what has no name is none', () => {
  expect(parseVariables('A=1\0B=x=y\0\0=z\0NONE\0C=')).toEqual({ A: '1', B: 'x=y', C: '' });
});

test('limits', () => {
  const limits = parseLimits(
    'Limit   Soft Limit  Hard Limit  Units\nMax open files            1024                 unlimited            files\nMax nice priority  0  0\nrubbish',
  );
  expect(limits.get('open files')).toBe(Number.POSITIVE_INFINITY);
  expect(limits.size).toBe(2);
});

describe('the report', () => {
  const findings = [
    ok('watch.readable', 'fine'),
    error('watch.subpath', 'a\u001b[31mb', { detail: 'one\ntwo', remedy: 'do it', rule: '/r' }),
    warn('user.reads', 'hm', { rule: 'hm' }),
    info('pid1.none', 'so'),
  ];
  const report = { version: '1', pid: 7, findings };
  test('short: grouped, without what is fine, and nothing that a terminal obeys', () => {
    expect(textReport(report, false, false)).toBe(`reinit 1 doctor: the running reinit, process 7

Users and permissions
  ! hm

Watched files
  ✗ a?[31mb [/r]
      one
      two
      → do it

PID 1
  · so

1 error, 1 warning, 1 note, 1 ok (-v shows them)
`);
  });
  test('all of it; in colour only where asked for', () => {
    expect(textReport(report, true, false)).toContain('✓ fine');
    expect(textReport({ ...report, pid: undefined, findings: [] }, false, false)).toBe(
      'reinit 1 doctor: what a start would find here\n\n0 ok (-v shows them)\n',
    );
    expect(textReport(report, false, true)).toContain('\u001b[31m✗ a?[31mb\u001b[0m');
  });
  test('for programs', () => {
    expect(JSON.parse(jsonReport(report))).toEqual({
      v: 1,
      version: '1',
      running: 7,
      findings,
      summary: { ok: 1, info: 1, warn: 1, error: 1 },
    });
  });
});
