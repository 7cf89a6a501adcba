/** KILL at any instant: what the application finds is always one whole generation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { contentOf, everythingIn, publishing, release, type Storing, storing } from '../fixtures/storing.ts';

const child = fileURLToPath(new URL('../fixtures/store-child.ts', import.meta.url));
const kills = Number(process.env.REINIT_STORE_KILLS ?? 8);
const files = 20;
const memory = { base: fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir() };

interface Run {
  /** Number of the last generation that was published. */
  last: number;
  readonly ended: Promise<unknown>;
  readonly process: ChildProcess;
  errors: string;
}

function start({ source, to, place }: Storing, mode: 'flip' | 'files', from: number): Run {
  const task = { rule: publishing([source], to, mode), places: [place], loop: { from, files } };
  const process = spawn(globalThis.process.execPath, [child, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const run: Run = { last: 0, ended: once(process, 'close'), process, errors: '' };
  process.stdout?.on('data', (lines: Buffer) => {
    run.last = Number(lines.toString().trim().split('\n').at(-1));
  });
  process.stderr?.on('data', (text: Buffer) => {
    run.errors += text;
  });
  return run;
}

/** All files of one look, which were of one generation; undefined where the copy was removed while it was looked at. */
async function look(to: string): Promise<number | undefined> {
  expect(fs.lstatSync(to).isSymbolicLink() || fs.lstatSync(to).isDirectory()).toBe(true); // it is never away
  const content = await contentOf(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (content === undefined) return undefined;
  const numbers = new Set(Object.values(content));
  expect(numbers.size, JSON.stringify(content)).toBe(1);
  expect(Object.keys(content)).toHaveLength(files + 1);
  return Number([...numbers][0]);
}

/** Lets it run past its first publication, then kills it at an instant that nothing is synchronised with. */
async function killOnce(run: Run, during: () => Promise<unknown>): Promise<void> {
  try {
    await eventually('the first publication', () => run.last > 0 || run.process.exitCode !== null);
    const until = performance.now() + Math.random() * 80;
    do await during();
    while (performance.now() < until);
  } finally {
    run.process.kill('SIGKILL');
    await run.ended;
  }
  expect(run.errors).toBe('');
}

test('flip: every look finds a whole generation, never an older one than before', { timeout: 600_000 }, () =>
  storing(async (given) => {
    const { to } = given;
    let newest = 0;
    let looks = 0;
    let published = 0;
    for (let kill = 0; kill < kills; kill++) {
      const run = start(given, 'flip', published + 1);
      await killOnce(run, async () => {
        const found = await look(to);
        if (found === undefined) return;
        looks++;
        expect(found).toBeGreaterThanOrEqual(newest);
        newest = found;
      });
      const found = await look(to); // nobody removes anything now
      expect(found).toBeGreaterThanOrEqual(run.last);
      published = found ?? 0;
    }
    expect(looks).toBeGreaterThan(kills);
    await nothingIsLeft(given, 'flip');
  }, memory),
);

test('files: after the next run everything is of one generation, and nothing else is there', { timeout: 600_000 }, () =>
  storing(async (given) => {
    const { source, to, reopen } = given;
    let from = 1;
    let interrupted = 0;
    for (let kill = 0; kill < kills; kill++) {
      const run = start(given, 'files', from);
      await killOnce(run, () => new Promise((resolve) => setTimeout(resolve, 1)));
      const rule = publishing([source], to, 'files');
      if ((await reopen().published(rule)) === undefined) interrupted++;
      const hash = await release(reopen(), rule);
      expect(await reopen().published(rule)).toBe(hash);
      from = ((await look(to)) ?? 0) + 1;
      expect(from).toBeGreaterThan(run.last);
    }
    if (kills >= 100) expect(interrupted).toBeGreaterThan(0);
    await nothingIsLeft(given, 'files');
  }, memory),
);

async function nothingIsLeft({ directory, source, to, reopen }: Storing, mode: 'flip' | 'files'): Promise<void> {
  const rule = publishing([source], to, mode);
  const hash = await release(reopen(), rule);
  await reopen().prune(rule, [hash]);
  const names = await everythingIn(directory);
  expect(names.filter((name) => name.includes('tmp-'))).toEqual([]);
  expect(names.filter((name) => /g-[0-9a-f]{16}(\.\d+)?$/.test(name)).length).toBeLessThanOrEqual(2);
  if (mode === 'flip') expect((await readdir(join(to, '..'))).sort()).toEqual(['.conf.reinit', 'conf']);
}
