import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ask } from '../../src/probe/ask.ts';
import { allPids, type Child, childPids, childrenAmong, listedChildren, parseStat, statOf } from '../../src/probe/processes.ts';
import { countOlder, youngWorker } from '../../src/probe/workers.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { gone } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { bootTime, leavesNothingOpen, nextTick, node, shell, sleepers, until } from './support.ts';

const workers = (pid: number, since: number): Promise<string | undefined> =>
  leavesNothingOpen(() => ask({ kind: 'workers' }, { pid, since }, 30_000));

async function childrenOf(pid: number, candidates = childPids(pid) ?? []): Promise<Child[]> {
  const children: Child[] = [];
  for await (const child of childrenAmong(pid, candidates)) children.push(child);
  return children;
}

describe('/proc/PID/stat', () => {
  const rest = '1 1 0 -1 4194560 100 0 0 0 1 2 3 4 20 0 1 0 12345 678 90 18446744073709551615';

  test.each([
    ['sleep', 'sleep'],
    ['a name that looks like the rest of the line', 'x) Z 1 2 3'],
    ['a name with a newline', 'a\nb'],
    ['no name', ''],
  ])('%s', (_, name) => {
    expect(parseStat(`42 (${name}) S 7 ${rest}`)).toEqual({ name, state: 'S', parent: 7, startTicks: 12345 });
  });

  test.each(['', '42', '42 (sleep) S 7'])('what is none: %o', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });

  test("a real program with such a name: the kernel's answer is this one's", async () => {
    const directory = scratchDirectory();
    symlinkSync('/bin/sleep', join(directory, 'x) Z 1 (y'));
    const before = bootTime();
    const { pid } = await shell(`"${directory}/x) Z 1 (y" 600 & echo up; wait`);
    const child = await eventually('it runs', async () =>
      (await childrenOf(pid)).find((one) => readFileSync(`/proc/${one.pid}/stat`, 'utf8').includes('(x) Z 1 (y)')),
    );
    expect(child).toMatchObject({ parent: pid, state: expect.stringMatching(/[SRD]/) });
    expect(child.startTicks * 10).toBeGreaterThanOrEqual(before);
    expect(child.startTicks * 10).toBeLessThanOrEqual(bootTime());
  });
});

describe('workers', () => {
  test('children that are younger than the signal are a yes, older ones are a no', async () => {
    const before = bootTime();
    const { pid } = await shell(`trap 'sleep 600 &' HUP; ${sleepers(3)}; echo up; while :; do wait; done`);
    expect(await workers(pid, before)).toBeUndefined();
    const since = await nextTick();
    expect(await workers(pid, since)).toBe(`no worker of process ${pid} is younger than the reload signal`);
    expect(await countOlder(pid, before)).toBe(0);
    expect(await countOlder(pid, since)).toBe(3);
    process.kill(pid, 'SIGHUP');
    await eventually('a new worker', async () => (await workers(pid, since)) === undefined);
    expect(await countOlder(pid, since)).toBe(3);
    expect(await countOlder(pid, await nextTick())).toBe(4);
  });

  test('one of the same tick of 10 ms is younger, one of the tick before is not', async () => {
    const { pid } = await shell(`${sleepers(1)}; echo up; wait`);
    const [child] = await childrenOf(pid);
    const born = (child?.startTicks ?? 0) * 10;
    expect(born).toBeGreaterThan(0);
    expect(await workers(pid, born + 9)).toBeUndefined();
    expect(await workers(pid, born + 10)).toContain('no worker');
    expect([await countOlder(pid, born + 9), await countOlder(pid, born + 10)]).toEqual([0, 1]);
  });

  test('zombies and grandchildren are none', async () => {
    // The sleep that the shell becomes never waits; the subshell's child is a grandchild.
    const { pid } = await shell('(sleep 600 & exec sleep 601) & sleep 0 & echo up; exec sleep 602');
    const zombie = () => listedChildren(pid).some((child) => statOf(child)?.state === 'Z');
    await eventually('a zombie', zombie);
    expect(listedChildren(pid)).toHaveLength(2);
    expect(await childrenOf(pid)).toHaveLength(1);
    expect(await countOlder(pid, await nextTick())).toBe(1);
  });

  test('children of other threads than the first', async () => {
    const inThread = "require('child_process').spawn('sleep', ['600'], { stdio: 'ignore' }).on('spawn', () => console.log('up'))";
    const main = `new (require('worker_threads').Worker)(${JSON.stringify(inThread)}, { eval: true })`;
    const { pid } = await until('up', spawn(process.execPath, ['-e', main], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] }));
    expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('');
    expect(await countOlder(pid, await nextTick())).toBe(1);
  });

  test('a process that is gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const { pid = 0 } = child;
    expect(await workers(pid, 0)).toBe(`process ${pid} is gone`);
    expect(await workers(gone, 0)).toBe(`process ${gone} is gone`);
    expect(await countOlder(pid, bootTime())).toBe(0);
  });

  test('a kernel without lists of children: the same are found among all processes', async () => {
    const { pid } = await shell(`${sleepers(20)}; echo up; wait`);
    const listed = (await childrenOf(pid, listedChildren(pid))).map((child) => child.pid).sort();
    expect(listed).toHaveLength(20);
    expect((await childrenOf(pid, allPids())).map((child) => child.pid).sort()).toEqual(listed);
  });

  describe.skipIf(!isRoot)('a /proc that shows everyone their own processes only', () => {
    test.each([1, 2])('hidepid=%i: the main process is not seen', async (hidepid) => {
      expect(await told(`sh -c '${as(1000)} sleep 600 & wait'`, 0, hidepid)).toMatch(
        /^process \d+ cannot be seen: \/proc hides processes of other users \(hidepid\) 0\n$/,
      );
    });

    test.each([1, 2])('hidepid=%i: the main process is seen, its child is not', async (hidepid) => {
      expect(await told(`sh -c '${as(1000)} sleep 600 & exec ${as(65534)} sleep 600'`, 65534, hidepid)).toMatch(
        /^no worker of process \d+ is younger than the reload signal, as far as can be seen: \/proc hides .* \(hidepid\) 0\n$/,
      );
    });
  });
});

const as = (uid: number): string => `setpriv --reuid ${uid} --regid ${uid} --clear-groups`;

/** What user 65534 is told of the process that `command` becomes, which is then `mainUid`'s and has a `sleep` of 1000's as its child. */
async function told(command: string, mainUid: number, hidepid: number): Promise<string> {
  const source = join(import.meta.dirname, '../../src/probe');
  const script = `import { ask } from '${source}/ask.ts'; import { countOlder } from '${source}/workers.ts';
    const pid = Number(process.argv[1]);
    console.log(await ask({ kind: 'workers' }, { pid, since: 1e15 }, 3000), await countOlder(pid, 1e15));`;
  const ready = `until pgrep -u 1000 -x sleep && [ $(stat -c %u /proc/$!) = ${mainUid} ]; do sleep 0.01; done >/dev/null`;
  const hide = `mount -o remount,hidepid=${hidepid} /proc`;
  const inside = `${command} & ${ready}; ${hide}; exec ${as(65534)} "$@" $!`;
  const namespace = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const asking = ['bash', '-c', inside, '-', node, '--input-type=module', '-e', script];
  return (await promisify(execFile)('setpriv', [...namespace, ...asking])).stdout;
}

describe('many processes', () => {
  test('500 are all looked at, whether they are listed or searched', async () => {
    const { pid } = await shell(`${sleepers(500)}; echo up; wait`);
    const since = await nextTick();
    expect(await workers(pid, since)).toContain('no worker');
    expect(await countOlder(pid, since)).toBe(500);
    expect(await childrenOf(pid, allPids())).toHaveLength(500);
  });

  test('the event loop gets its turns', async () => {
    const { pid } = await shell(`${sleepers(100)}; echo up; wait`);
    const many = Array.from({ length: 50 }, () => listedChildren(pid)).flat();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    expect(await childrenOf(pid, many)).toHaveLength(5_000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  test('none is looked at when the time is over', async () => {
    const { pid } = await shell(`${sleepers(2)}; echo up; wait`);
    await expect(youngWorker(pid, await nextTick(), AbortSignal.abort())).rejects.toThrow('aborted');
  });
});
