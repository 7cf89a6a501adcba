/** Real mounts, in mount namespaces of their own; needs root, as CI has. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { type WatchProcess, withWatchProcess } from '../fixtures/watch-process.ts';
import { ruleFor, sha256, withDirectory } from '../fixtures/watching.ts';

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** Runs the commands in a private mount namespace, then the watch in it. */
const mounting =
  (...commands: readonly string[]) =>
  (command: readonly string[]) => [
    'unshare',
    '-m',
    '--propagation',
    'private',
    'sh',
    '-ec',
    `${commands.join('\n')}\nexec ${command.map(quote).join(' ')}`,
  ];

const lastHash = (watcher: WatchProcess, path: string) => watcher.generations().at(-1)?.generation?.files[path];

describe.concurrent('bind mounts', () => {
  test('a file mounted by itself: warned at start; a write in place is seen; a replaced one is told as stale at once', () =>
    withDirectory(async (directory) => {
      const [host, inside] = [join(directory, 'host'), join(directory, 'inside')];
      fs.writeFileSync(host, 'one');
      fs.writeFileSync(inside, '');
      await withWatchProcess(ruleFor([inside]), mounting(`mount --bind ${host} ${inside}`), async (watcher) => {
        await watcher.until(() => watcher.has('single_file_mount'));
        await sleep(300);
        for (const content of ['two', 'three', 'four']) {
          fs.writeFileSync(host, content);
          await watcher.until(() => lastHash(watcher, inside) === sha256(content));
        }
        expect(watcher.generations().length).toBe(3);
        const before = performance.now();
        fs.writeFileSync(`${host}.new`, 'five');
        fs.renameSync(`${host}.new`, host);
        await watcher.until(() => watcher.has('stale_mount'));
        expect(performance.now() - before).toBeLessThan(580 + 2_000);
        await watcher.until(() => watcher.told.some(({ kind, path }) => kind === 'stale' && path === inside));
        expect(watcher.generations().length).toBe(3);
        await watcher.end();
      });
    }));

  test('a file mounted into a watched directory: a write in place is seen', () =>
    withDirectory(async (directory) => {
      const host = join(directory, 'host');
      fs.writeFileSync(host, 'one');
      fs.mkdirSync(join(directory, 'd'));
      fs.writeFileSync(join(directory, 'd/f'), '');
      await withWatchProcess(ruleFor([join(directory, 'd')]), mounting(`mount --bind ${host} ${directory}/d/f`), async (watcher) => {
        await watcher.until(() => watcher.has('single_file_mount'));
        await sleep(300);
        fs.writeFileSync(host, 'two');
        await watcher.until(() => lastHash(watcher, join(directory, 'd/f')) === sha256('two'));
      });
    }));

  test('a directory mounted from the host: every way to write is seen', () =>
    withDirectory(async (directory) => {
      for (const name of ['host', 'inside']) fs.mkdirSync(join(directory, name));
      const host = join(directory, 'host/f');
      fs.writeFileSync(host, 'one');
      await withWatchProcess(
        ruleFor([join(directory, 'inside')]),
        mounting(`mount --bind ${directory}/host ${directory}/inside`),
        async (watcher) => {
          await sleep(300);
          fs.writeFileSync(host, 'two');
          await watcher.until(() => lastHash(watcher, join(directory, 'inside/f')) === sha256('two'));
          fs.writeFileSync(`${host}.new`, 'three');
          fs.renameSync(`${host}.new`, host);
          await watcher.until(() => lastHash(watcher, join(directory, 'inside/f')) === sha256('three'));
          expect(watcher.told.filter((event) => event.kind === 'warning')).toEqual([]);
        },
      );
    }));

  test('a ConfigMap volume mounted as a directory, read-only, as in a pod', () =>
    withDirectory(async (directory) => {
      const volume = join(directory, 'kubernetes.io~configmap/cfg');
      await createVolume(volume, { a: '0' });
      fs.mkdirSync(join(directory, 'inside'));
      const mount = mounting(`mount --bind ${volume} ${directory}/inside`, `mount -o remount,bind,ro ${directory}/inside`);
      await withWatchProcess(ruleFor([join(directory, 'inside')]), mount, async (watcher) => {
        await sleep(300);
        for (const content of ['1', '2', '3']) {
          await updateVolume(volume, { a: content });
          await watcher.until(() => lastHash(watcher, join(directory, 'inside/a')) === sha256(content));
        }
        expect(watcher.generations().length).toBe(3);
        expect(watcher.told.filter((event) => event.kind === 'warning')).toEqual([]);
      });
    }));
});

describe.concurrent('subPath', () => {
  test.each(['file', 'directory'])('a %s of a ConfigMap: warned at start, told as stale after an update', (kind) =>
    withDirectory(async (directory) => {
      const volume = join(directory, 'kubernetes.io~configmap/cfg');
      await createVolume(volume, { 'app.yaml': '0', 'conf.d/x': '0' });
      const inside = join(directory, 'inside');
      if (kind === 'file') fs.writeFileSync(inside, '');
      else fs.mkdirSync(inside);
      const key = kind === 'file' ? 'app.yaml' : 'conf.d';
      await withWatchProcess(ruleFor([inside]), mounting(`mount --bind $(realpath ${volume}/${key}) ${inside}`), async (watcher) => {
        await watcher.until(() => watcher.has('subpath'));
        await sleep(300);
        expect(watcher.told.filter((event) => event.kind === 'stale')).toEqual([]); // it may become so; nothing proves it yet
        await updateVolume(volume, { 'app.yaml': '1', 'conf.d/x': '1' });
        await watcher.until(() => watcher.has('stale_mount'));
        const warning = watcher.told.find((event) => event.code === 'stale_mount');
        expect(`${warning?.message} ${warning?.hint}`).toMatch(/never change.*Restart the container/);
        await watcher.until(() => watcher.told.some((event) => event.kind === 'stale'));
        expect(watcher.told.filter((event) => event.kind === 'stale')).toEqual([
          { kind: 'stale', path: inside, message: warning?.message },
        ]);
      });
    }),
  );
});

describe.concurrent('without events', () => {
  test('no inotify instance to be had: polling takes over, says which sysctl, and finds a change in time', () =>
    withDirectory(async (directory) => {
      await createVolume(join(directory, 'v'), { a: '0' });
      const rule = ruleFor([join(directory, 'v')]);
      const limited = (command: readonly string[]) => [
        'unshare',
        '-Ur',
        'sh',
        '-ec',
        `echo 0 >/proc/sys/user/max_inotify_instances\nexec ${command.map(quote).join(' ')}`,
      ];
      await withWatchProcess(rule, limited, async (watcher) => {
        await watcher.until(() => watcher.has('polling'));
        expect(watcher.told.find((event) => event.kind === 'mode')?.mode).toBe('poll');
        expect(watcher.told.find((event) => event.code === 'polling')?.hint).toContain('fs.inotify.max_user_instances');
        for (const content of ['1', '2']) {
          const before = performance.now();
          await updateVolume(join(directory, 'v'), { a: content });
          await watcher.until(() => lastHash(watcher, join(directory, 'v/a')) === sha256(content));
          expect(performance.now() - before).toBeLessThan(2 * rule.poll_interval + rule.settle + 2_000);
        }
        expect(watcher.told.filter((event) => event.code === 'polling').length).toBe(1);
        await watcher.end();
      });
    }));

  test('a directory on the way that may be passed but not read: events all the same', () =>
    withDirectory(async (directory) => {
      await createVolume(join(directory, 'locked/v'), { a: '0' });
      fs.chmodSync(join(directory, 'locked'), 0o111);
      const unprivileged = (command: readonly string[]) => [
        'setpriv',
        '--bounding-set=-dac_override,-dac_read_search',
        '--inh-caps=-all',
        ...command,
      ];
      await withWatchProcess(ruleFor([join(directory, 'locked/v')]), unprivileged, async (watcher) => {
        await sleep(300);
        await updateVolume(join(directory, 'locked/v'), { a: '1' });
        await watcher.until(() => lastHash(watcher, join(directory, 'locked/v/a')) === sha256('1'));
        expect(watcher.told.map((event) => event.mode ?? event.kind)).toEqual(['events', 'stir', 'generation']);
        await watcher.end();
      });
    }));

  test('too few watches: polling takes over', () =>
    withDirectory(async (directory) => {
      await createVolume(join(directory, 'v'), { a: '0' });
      const limited = (command: readonly string[]) => [
        'unshare',
        '-Ur',
        'sh',
        '-ec',
        `echo 2 >/proc/sys/user/max_inotify_watches\nexec ${command.map(quote).join(' ')}`,
      ];
      await withWatchProcess(ruleFor([join(directory, 'v')]), limited, async (watcher) => {
        await watcher.until(() => watcher.has('polling'));
        expect(watcher.told.find((event) => event.code === 'polling')?.hint).toContain('max_user_watches');
        await updateVolume(join(directory, 'v'), { a: '1' });
        await watcher.until(() => lastHash(watcher, join(directory, 'v/a')) === sha256('1'));
        expect(watcher.told.findLast((event) => event.kind === 'mode')?.mode).toBe('poll');
      });
    }));

  test('stopped over two swaps: the last one is seen, and nothing is said about missing events', () =>
    withDirectory(async (directory) => {
      await createVolume(join(directory, 'v'), { a: '0' });
      await withWatchProcess(
        ruleFor([join(directory, 'v')], { rescan: 500 }),
        (command) => command,
        async (watcher) => {
          await sleep(300);
          process.kill(watcher.pid, 'SIGSTOP');
          await updateVolume(join(directory, 'v'), { a: '1' });
          await updateVolume(join(directory, 'v'), { a: '2' });
          await sleep(800); // past the re-scan
          process.kill(watcher.pid, 'SIGCONT');
          await watcher.until(() => lastHash(watcher, join(directory, 'v/a')) === sha256('2'));
          expect(watcher.generations().length).toBe(1);
          expect(watcher.told.filter((event) => event.kind === 'warning')).toEqual([]);
          await watcher.end();
          const closed = watcher.told.at(-1);
          expect(closed?.kind).toBe('closed'); // and the process ended by itself: nothing was left behind
        },
      );
    }));
});
