/** Real processes, as this machine has them. What needs the bundle (nothing is spawned) is in test/e2e/care.test.ts. */
import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { accounts, heldByCgroupOf } from '../../src/usage/cgroup.ts';
import { exec } from '../../src/usage/getconf.ts';
import { heldMemory } from '../../src/usage/held.ts';
import { measure } from '../../src/usage/measure.ts';
import { treeOf } from '../../src/usage/tree.ts';
import { sampleTree, type TreeSample, weigh } from '../../src/usage/usage.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed } from '../fixtures/host.ts';
import { openFiles, shell, sleepers, until } from '../probe/support.ts';

const python = '/usr/bin/python3';
const mebibyte = 2 ** 20;
/** Says `up` when it is so far. It ends with all its children when the test is over. */
const start = async (program: string): Promise<number> =>
  (await until('up', spawn(python, ['-c', program], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] }))).pid;

const sampled = async (pid: number): Promise<TreeSample> => {
  const sample = await sampleTree(pid);
  if ('problem' in sample) throw new Error(sample.problem);
  return sample;
};

/** Children that write into `own` bytes each, and share `shared` bytes with their parent. */
const family = (children: number, shared: number, own: number): string => `
import os, signal
common = bytearray(b'x' * ${shared})
ready, done = os.pipe()
for _ in range(${children}):
    if os.fork() == 0:
        mine = bytearray(b'y' * ${own})
        os.write(done, b'.')
        signal.pause()
for _ in range(${children}): os.read(ready, 1)
print('up', flush=True)
signal.pause()
`;

describe.skipIf(!installed('python3'))('a tree', () => {
  test('the main process and its descendants, with their names, ages and memory; nothing else', async () => {
    const began = Date.now();
    const pid = await start(family(3, mebibyte, 20 * mebibyte));
    const sample = await sampled(pid);
    expect(sample.memory).toBeGreaterThan(60 * mebibyte);
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
    const pid = await start("print('up', flush=True)\nwhile True: pass");
    await sampled(pid);
    await eventually('a busy process', async () => (await sampled(pid)).cpu > 20);
    process.kill(pid, 'SIGSTOP');
    await eventually('an idle process', async () => (await sampled(pid)).cpu === 0);
  });

  test('who asks shortly after another gets the same answer: of so short a time CPU could not be told', async () => {
    const pid = await start("print('up', flush=True)\nwhile True: pass");
    const before = await sampled(pid);
    await eventually('the same answer twice', async () => new Set([await sampled(pid), await sampled(pid)]).size === 1);
    await eventually('another one', async () => (await sampled(pid)) !== before);
  });

  test('one that is gone is said to be', async () => {
    const pid = await start("print('up', flush=True)");
    await eventually('it is gone', async () => 'problem' in (await sampleTree(pid)));
    expect(await sampleTree(pid)).toEqual({ problem: `process ${pid} is gone, or /proc hides it (hidepid)` });
  });

  test('many processes: the event loop goes on meanwhile, files are bounded, and none is left open', async () => {
    const { pid } = await shell(`${sleepers(100)}; echo up; wait`);
    const pids = (await treeOf(pid)).map((member) => member.pid);
    expect(pids).toHaveLength(101);
    const before = openFiles();
    let [ticks, most] = [0, 0];
    const ticking = setInterval(() => {
      ticks += 1;
      most = Math.max(most, openFiles());
    }, 5);
    expect((await measure(pids, 64)).size).toBe(101);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(20);
    expect(most - before).toBeLessThan(80);
    await eventually('all files are closed', () => openFiles() <= before);
  });
});

describe.skipIf(!installed('python3'))('memory that counts', () => {
  test('what forked processes share counts once, where the sum of them is over the limit', async () => {
    const pid = await start(family(4, 60 * mebibyte, 0));
    const { memory: sum, processes } = await sampled(pid);
    expect(processes).toHaveLength(5);
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
import mmap, os, signal, sys
file = os.open(sys.executable, os.O_RDONLY)
mapped = mmap.mmap(file, 0, prot=mmap.PROT_READ)
sum(mapped[i] for i in range(0, len(mapped), 4096))
both = mmap.mmap(-1, ${40 * mebibyte})
both.write(b'z' * ${40 * mebibyte})
print('up', flush=True)
signal.pause()
`);
    const { memory } = await sampled(pid);
    const held = await heldMemory([{ pid, memory }]);
    expect(held).toBeGreaterThan(40 * mebibyte);
    expect(held).toBeLessThan(memory);
  });

  test('the cgroup’s account: v2, v1 beside it, and a container that sees its own as the root', async () => {
    const files = (cgroups: string) => accounts(cgroups).map(({ file, names }) => `${file} ${names.join('+')}`);
    expect(files('0::/\n')).toEqual(['/sys/fs/cgroup/memory.stat anon+shmem']);
    expect(files('0::/pod/one\n')[0]).toBe('/sys/fs/cgroup/pod/one/memory.stat anon+shmem');
    expect(files('5:cpu,memory:/docker/x\n1:name=systemd:/y\n').slice(0, 2)).toEqual([
      '/sys/fs/cgroup/memory/docker/x/memory.stat total_rss+total_shmem',
      '/sys/fs/cgroup/memory/memory.stat total_rss+total_shmem',
    ]);
    expect((await heldByCgroupOf(process.pid)) ?? 1).toBeGreaterThan(0);
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
