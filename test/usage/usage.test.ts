/** Real processes, as this machine has them. What needs the bundle (nothing is spawned) is in test/e2e/care.test.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { exec } from '../../src/usage/getconf.ts';
import { heldMemory } from '../../src/usage/held.ts';
import { sampleTree, type TreeSample, weigh } from '../../src/usage/usage.ts';
import { eventually } from '../fixtures/eventually.ts';

const python = '/usr/bin/python3';
const mebibyte = 2 ** 20;
const running = new Set<ChildProcess>();

/** Says `up` when it is so far, and ends with its standard input, as do its children, which hold the other end. */
async function start(program: string): Promise<number> {
  const child = spawn(python, ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  let said = '';
  child.stdout?.on('data', (part) => {
    said += part;
  });
  await eventually('the program says up', () => said.includes('up'), 20_000);
  return child.pid as number;
}
afterEach(async () => {
  for (const child of running) {
    child.stdin?.end();
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
  }
  running.clear();
});

const sampled = async (pid: number): Promise<TreeSample> => {
  const sample = await sampleTree(pid);
  if ('problem' in sample) throw new Error(sample.problem);
  return sample;
};

/** Children that write into `own` bytes each, and share `shared` bytes with their parent. */
const family = (children: number, shared: number, own: number): string => `
import os, sys, mmap
common = bytearray(b'x' * ${shared})
pids = []
for _ in range(${children}):
    pid = os.fork()
    if pid == 0:
        mine = bytearray(b'y' * ${own})
        os.write(1, b'.')
        os.read(0, 1)
        os._exit(0)
    pids.append(pid)
print('up', flush=True)
sys.stdin.read()
for pid in pids: os.waitpid(pid, 0)
`;

describe('a tree', () => {
  test('the main process and its descendants, with their names, ages and memory; nothing else', async () => {
    const began = Date.now();
    const pid = await start(family(3, mebibyte, 20 * mebibyte));
    const sample = await eventually(
      'all have written',
      async () => {
        const now = await sampled(pid);
        return now.memory > 60 * mebibyte ? now : undefined;
      },
      20_000,
    );
    expect(sample.processes).toHaveLength(4);
    expect(sample.processes[0]?.pid).toBe(pid);
    for (const one of sample.processes) {
      expect(one.name).toContain('python3');
      expect(one.ppid).toBe(one.pid === pid ? process.pid : pid);
      expect(Math.abs(one.since - began)).toBeLessThan(20_000);
    }
    expect(sample.memory).toBe(sample.processes.reduce((sum, { memory }) => sum + memory, 0));
  });

  test('CPU is of the time since the sample before', async () => {
    const pid = await start(
      "import sys, threading\nprint('up', flush=True)\nthreading.Thread(target=sys.stdin.read).start()\nimport time\nwhile threading.active_count() > 1:\n    pass\n",
    );
    await sampled(pid);
    const busy = await eventually('a busy process', async () => ((await sampled(pid)).cpu > 20 ? true : undefined), 20_000);
    expect(busy).toBe(true);
  });

  test('one that is gone is said to be', async () => {
    const pid = await start("print('up', flush=True)");
    await eventually('it is gone', async () => 'problem' in (await sampleTree(pid)), 10_000);
    expect(await sampleTree(pid)).toEqual({ problem: `process ${pid} is gone, or /proc hides it (hidepid)` });
  });

  test('many processes: the event loop goes on meanwhile, and no descriptor is left', async () => {
    const pid = await start(family(600, 0, 0));
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    let [ticks, most] = [0, 0];
    const ticking = setInterval(() => {
      ticks += 1;
      most = Math.max(most, open());
    }, 10);
    const { processes } = await sampled(pid);
    clearInterval(ticking);
    expect(processes).toHaveLength(601);
    expect(ticks).toBeGreaterThan(20);
    expect(most - before).toBeLessThan(600);
    await eventually('all files are closed', () => open() <= before + 2, 10_000);
  });
});

describe('memory that counts', () => {
  test('what forked processes share counts once, where the sum of them is over the limit', async () => {
    const pid = await start(family(4, 60 * mebibyte, 0));
    const sum = (await sampled(pid)).memory;
    expect(sum).toBeGreaterThan(300 * mebibyte);
    const answer = await weigh(pid, { kind: 'bytes', bytes: 200 * mebibyte });
    expect(answer).toMatchObject({ limit: 200 * mebibyte, processes: 5 });
    const { bytes } = answer as { bytes: number };
    expect(bytes).toBeGreaterThan(60 * mebibyte);
    expect(bytes).toBeLessThan(120 * mebibyte);
    // Far from the limit the sum is near enough.
    expect(await weigh(pid, { kind: 'bytes', bytes: 2 * sum })).toMatchObject({ bytes: expect.closeTo(sum, -7) });
  });

  test('shared memory and anonymous memory count, mapped files do not', async () => {
    const pid = await start(`
import mmap, os, sys
file = os.open(sys.executable, os.O_RDONLY)
mapped = mmap.mmap(file, 0, prot=mmap.PROT_READ)
sum(mapped[i] for i in range(0, len(mapped), 4096))
both = mmap.mmap(-1, ${40 * mebibyte})
both.write(b'z' * ${40 * mebibyte})
print('up', flush=True)
sys.stdin.read()
`);
    const { memory } = await sampled(pid);
    const held = await heldMemory([{ pid }]);
    expect(held).toBeGreaterThan(40 * mebibyte);
    expect(held).toBeLessThan(memory);
  });

  test('a percentage needs a limit of the container', async () => {
    const answer = await weigh(process.pid, { kind: 'percent', percent: 90 });
    if (typeof answer === 'string') expect(answer).toMatch(/percentage, and the container has no memory limit/);
    else expect(answer.limit).toBeGreaterThan(0);
  });
});

test('the numbers that getconf would tell', async () => {
  const asked = (command: string) =>
    new Promise<string>((resolve) => exec(command, (error, stdout) => resolve(error ? error.message : stdout)));
  expect(await asked('getconf PAGESIZE')).toMatch(/^(4096|16384|65536)$/);
  expect(await asked('getconf CLK_TCK')).toBe('100');
  expect(await asked('rm -rf /')).toBe('nobody runs rm -rf / here');
});
