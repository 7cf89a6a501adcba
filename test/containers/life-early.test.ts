import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentOf } from '../../src/probe/processes.ts';
import { eventually } from '../fixtures/eventually.ts';
import { command, isAvailable, processesIn } from './engine.ts';
import { buildLifeImage, recorder, recorderCode, settings, signo, watching } from './life.ts';

/** Of each mode: a start takes an engine half a second. What is earlier and later than an engine can be is tried in test/init/signals.test.ts. */
const tries = Number(process.env.EARLY_TRIES ?? 25);

/** How long after the first call the signal comes. Half of them within a millisecond; the others until the application runs, nearly always. */
const within = (ms: number) => (i: number) => Math.random() * (i % 2 === 0 ? 1 : ms);

describe.skipIf(!isAvailable)('TERM from init’s first system call on', () => {
  it.each([
    ['a plain init', within(5), () => []],
    ['a configured one', within(150), () => settings(watching)],
  ] as const)('%s: none is lost', async (mode, delayMs, flags) => {
    const name = `reinit-test-${randomBytes(6).toString('hex')}`;
    onTestFinished(async () => void (await command('rm', '-f', '-v', name)));
    const program = recorder('SIGTERM');
    const image = await buildLifeImage();
    await command('create', '--name', name, '--network', 'none', ...program.flags, ...flags(), image, ...program.command);
    const id = await command('inspect', '--format', '{{.Id}}', name);
    const codes: Record<string, number> = {};
    for (let i = 0; i < tries; i++) {
      const code = await stopEarly(id, delayMs(i));
      codes[code] = (codes[code] ?? 0) + 1;
    }
    process.stderr.write(`early: ${mode}: ${tries} tries, ended with ${JSON.stringify(codes)}\n`);
    // The application's own code, or what TERM means where it had not come so far.
    const ours = new Set([`${recorderCode}`, `${128 + signo.SIGTERM}`]);
    expect(Object.keys(codes).filter((code) => !ours.has(code))).toEqual([]);
  });
});

/** Starts the container, and so many ms after its PID 1 has blocked the signals sends TERM, as the engine would. Its exit code, or `lost`. */
async function stopEarly(id: string, delayMs: number): Promise<string> {
  const started = command('start', id).catch(() => ''); // it may be over before the engine has looked
  const pid = await eventually('there is a process', () => firstOf(id), 30_000);
  while (!isCareful(pid) && statusOf(pid) !== '') doze(0.1);
  doze(delayMs);
  process.kill(pid, 'SIGTERM');
  await started;
  const code = await Promise.race([command('wait', id), delay(10_000, 'lost', { ref: false })]);
  if (code === 'lost') await command('kill', id);
  return code;
}

/** PID 1 of the container, as it is called out here: the runtime's own program, until that executes init. */
const firstOf = (id: string): number | undefined => processesIn(id).find((pid) => /^NSpid:.*\t1$/m.test(statusOf(pid)));

const statusOf = (pid: number): string => contentOf(`/proc/${pid}/status`);

/** It has blocked them, or waits already for what it has blocked: while it does (sigtimedwait), the kernel shows them as not blocked. */
const isCareful = (pid: number): boolean => /^Name:\treinit$[\s\S]*(^State:\tS|^SigBlk:\tf)/m.test(statusOf(pid));

/** Timers are no finer than a millisecond. */
const doze = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
