/** A kubelet that swaps every 5 ms, and reinit that copies and publishes all the while. TORN_READS_S: how long, 60 for the full measure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, pause, reinit, startContainer } from './harness.ts';
import { lines, nginxSite } from './sites.ts';

const seconds = Number(process.env.TORN_READS_S ?? 10);
const keys = 8;
const often = { settle: '5ms', max_wait: '40ms', reload_after_start: '0s' };

/** A program of test/fixtures beside the container. Returns what it has written so far. */
function beside(program: string, ...words: string[]): { readonly child: ChildProcess; output(): string } {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../fixtures', program), ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let all = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  });
  return { child, output: () => all };
}

const generation = (text: string) => Object.fromEntries(Array.from({ length: keys }, (_, key) => [`key${key}`, text]));

/** Another generation every few ms, until `stop`. */
function swapAll(volume: string, payload: (text: string) => Payload): { readonly swapping: Promise<void>; stop(): void } {
  let running = true;
  const swap = async (): Promise<void> => {
    for (let n = 1; running; n++) {
      await updateVolume(volume, payload(`${n}`));
      await pause(5);
    }
  };
  const stop = (): void => {
    running = false;
  };
  onTestFinished(stop);
  return { swapping: swap(), stop };
}

describe('torn reads', () => {
  it(`flip: a reader of what is published sees no mixed generation in ${seconds} s`, { timeout: 60_000 + seconds * 2000 }, async () => {
    const directory = scratchDirectory();
    const volume = join(directory, 'volume');
    const to = join(directory, 'published');
    await createVolume(volume, generation('0'));
    const rule = { paths: [volume], publish: { to, keep: 2 }, on_change: 'none', ...often };
    const container = await startContainer([reinit, '-c', configFile({ command: ['sleep', '1d'], stop_signal: 'KILL', watch: [rule] })]);
    await eventually('published', () => lines(container, 'started').length > 0);
    const swaps = beside('swapping-kubelet.ts', volume, `${keys}`);
    const reader = beside('torn-reader.ts', to, `${keys}`);
    await pause(seconds * 1000);
    const [looks = 0, torn = 0, generations = 0] = (reader.output().trim().split('\n').at(-1) ?? '').split(' ').map(Number);
    process.stderr.write(`torn reads: ${swaps.output().length} swaps, ${generations} generations seen in ${looks} looks, ${torn} torn\n`);
    expect(reader.child.exitCode).toBeNull();
    expect(looks).toBeGreaterThan(seconds * 100);
    expect(generations).toBeGreaterThan(seconds);
    expect(torn).toBe(0);
  });

  it('control: the same reader sees them in the volume itself', async () => {
    const volume = join(scratchDirectory(), 'volume');
    await createVolume(volume, generation('0'));
    beside('swapping-kubelet.ts', volume, `${keys}`);
    const reader = beside('torn-reader.ts', volume, `${keys}`);
    await eventually('a mixed generation', () => Number(reader.output().trim().split('\n').at(-1)?.split(' ')[1] ?? 0) > 0);
  });

  it.skipIf(!isRoot || !installed('nginx')).each(['flip', 'files'] as const)(
    '%s: nginx, which opens file after file by its path, never runs on two generations',
    async (mode) => {
      const site = await nginxSite();
      const { 'nginx.conf': main } = site.payload('');
      const server = `server { listen 127.0.0.1:${site.port}; include key*; location / { return 200 "$generation0 $generation7\\n"; } }`;
      const payload = (text: string) => ({
        'nginx.conf': `${main}`,
        'conf.d/site.conf': server,
        ...Object.fromEntries(Array.from({ length: keys }, (_, key) => [`key${key}`, `set $generation${key} ${text};\n`])),
      });
      await createVolume(site.volume, payload('0'));
      const { swapping, stop } = swapAll(site.volume, payload);
      const rule = { paths: [site.volume], publish: { to: site.to, mode }, ...often, confirm_by: { workers: true, period: '20ms' } };
      const watch = [{ ...rule, validate: ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf'], reload_signal: 'HUP' }];
      const command = ['nginx', '-c', join(site.to, 'nginx.conf'), '-g', 'daemon off;'];
      const container = await startContainer([reinit, '-c', configFile({ command, stop_signal: 'QUIT', watch })]);
      const answers = new Set<string>();
      const until = performance.now() + 5000;
      while (performance.now() < until)
        await fetchText(site.url).then(
          (text) => answers.add(text),
          () => {},
        );
      stop();
      await swapping;
      expect([...answers].filter((text) => text.split(' ')[0] !== text.split(' ')[1])).toEqual([]);
      expect(answers.size).toBeGreaterThan(2);
      expect(lines(container, 'refused')).toEqual([]);
    },
  );
});
