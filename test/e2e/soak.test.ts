import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { send } from '../fixtures/init/init.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { randomFrom } from '../fixtures/random.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, controllerOf, pause, reinit, startContainer, zombiesOf } from './harness.ts';

const kills = 200;
/** RLIMIT_SIGPENDING and time allow many more; these are enough to meet each kill a few times. */
const signalsARound = 3;
const queued = 40;

/** What the application has written of one kind, in order. */
const told = (container: Namespace, kind: string): string[] =>
  [...container.stdout().matchAll(new RegExp(`^${kind} ?(.*)$`, 'gm'))].map(([, text]) => text ?? '');

async function start() {
  const volume = join(scratchDirectory(), 'volume');
  const file = join(volume, 'generation');
  await createVolume(volume, { generation: '0' });
  const rule = {
    settle: '10ms',
    validate: ['/bin/true'],
    reload_signal: 'HUP',
    reload_after_start: '0s',
    confirm: '50ms',
    loop_guard: false,
  };
  const config = { command: [compiled('counter'), file], watch: [{ paths: [volume], ...rule }] };
  const container = await startContainer([reinit, '-c', configFile(config)]);
  await eventually('the application', () => told(container, 'start').length > 0);
  return { container, volume };
}

/** What has been done to the container so far. */
interface Done {
  generation: number;
  queued: number;
  usr1: number;
  /** From each kill to the next controller, in ms. */
  readonly gaps: number[];
}

type Running = Awaited<ReturnType<typeof start>> & { readonly done: Done; readonly random: (below: number) => number };

async function change({ volume, done }: Running): Promise<void> {
  done.generation += 1;
  await updateVolume(volume, { generation: String(done.generation) });
}

const swapSameBytes = ({ volume, done }: Running): Promise<void> =>
  updateVolume(volume, { generation: String(done.generation) }, { force: true });

function sendQueued({ container, done }: Running): void {
  send(container.pid, ...Array.from({ length: signalsARound }, (_, i) => `${queued}:${done.queued + i}`));
  done.queued += signalsARound;
}

/** One kill at a moment that chance has chosen, while changes, swaps of the same bytes and signals come. */
async function killOnce(running: Running): Promise<void> {
  const { container, done, random } = running;
  const pid = await eventually('a controller', () => controllerOf(container));
  const what = random(4);
  if (what < 2) await change(running);
  if (what === 2) await swapSameBytes(running);
  sendQueued(running);
  await pause(random(150));
  sendQueued(running);
  process.kill(pid, 'SIGKILL');
  const at = Date.now();
  await eventually('the next controller', () => ![undefined, pid].includes(controllerOf(container)));
  done.gaps.push(Date.now() - at);
}

/** Before the pauses between failures in a row grow to seconds, a controller is left to acknowledge something. */
async function work(running: Running): Promise<void> {
  await change(running);
  await eventually('the change', () => told(running.container, 'hup').at(-1) === String(running.done.generation));
}

/** Left alone, the last generation ends applied; from there each change makes one HUP, each USR1 arrives, the same bytes make nothing. */
async function calm(running: Running): Promise<void> {
  const { container, done } = running;
  const last = () => told(container, 'hup').at(-1);
  await eventually('the last generation is applied', () => last() === String(done.generation) || done.generation === 0);
  // Longer than settle and confirm: a second HUP for it would be on its way.
  await pause(150);
  const before = told(container, 'hup').length;
  await swapSameBytes(running);
  await change(running);
  await eventually('the change', () => last() === String(done.generation));
  send(container.pid, 10);
  done.usr1 += 1;
  await eventually('USR1', () => told(container, 'usr1').length === done.usr1);
  await pause(100);
  await swapSameBytes(running);
  await pause(100);
  expect(told(container, 'hup').length - before, 'HUPs for one change').toBe(1);
  const zombies = zombiesOf(container);
  await pause(100);
  expect(
    zombiesOf(container).filter((pid) => zombies.includes(pid)),
    'zombies',
  ).toEqual([]);
}

it('200 random kill -9 of the controller: the application does not notice, nothing is lost, nothing doubled', async () => {
  const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`soak: SOAK_SEED=${seed}\n`);
  const running: Running = { ...(await start()), done: { generation: 0, queued: 0, usr1: 0, gaps: [] }, random: randomFrom(seed) };
  const { container, done } = running;
  for (let kill = 0; kill < kills; kill++) {
    await killOnce(running);
    if (kill % 20 === 19) await calm(running);
    else if ((done.gaps.at(-1) ?? 0) > 200) await work(running);
  }
  await calm(running);

  expect(told(container, 'queued').map(Number), 'queued signals').toEqual(Array.from({ length: done.queued }, (_, i) => i));
  expect(told(container, 'usr1')).toHaveLength(done.usr1);
  expect(told(container, 'start'), 'one application').toHaveLength(1);
  expect(told(container, 'hup').length, 'HUPs').toBeLessThanOrEqual(done.generation);
  expect(Math.min(...done.gaps), 'at once after the first failure').toBeLessThan(100);
  expect(Math.max(...done.gaps), 'with a pause after failures in a row').toBeGreaterThan(300);
  process.stdout.write(
    `soak: ${done.generation} changes, ${done.queued} queued signals, ${done.gaps.filter((gap) => gap > 300).length} pauses\n`,
  );
  container.signal('SIGTERM');
  expect(await container.exited).toBe(7);
});
