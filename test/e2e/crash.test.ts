/**
 * The pipeline is killed wherever it happens to be: the controller, then everything. What the application finds is complete and accepted at any
 * instant, and in the end the newest accepted generation is applied.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { randomFrom } from '../fixtures/random.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, controllerOf, pause, python, reinit, startContainer, withVolume } from './harness.ts';

const kills = Number(process.env.CRASH_KILLS ?? 100);
const names = ['a', 'b', 'c', 'd'];
const reader = join(import.meta.dirname, '../fixtures/programs/reads.py');

/** Every third generation is one that the validator refuses. */
const isAccepted = (generation: number): boolean => generation % 3 !== 2;
const textOf = (generation: number): string => `${isAccepted(generation) ? 'good' : 'bad'}${generation}`;
const payload = (generation: number) => Object.fromEntries(names.map((name) => [name, textOf(generation)]));

interface Pipeline {
  readonly volume: string;
  readonly target: string;
  /** The container. */
  readonly command: readonly string[];
  readonly random: (below: number) => number;
}

async function makePipeline(): Promise<Pipeline> {
  const directory = scratchDirectory();
  const [volume, mounted, target] = [join(directory, 'volume'), join(directory, 'mounted'), join(directory, 'published')];
  mkdirSync(mounted);
  await createVolume(volume, payload(0));
  const config = configFile({
    command: [python, reader, target],
    restart: 'always',
    state_dir: join(directory, 'state'),
    log: { format: 'json' },
    watch: [
      {
        paths: [mounted],
        publish: target,
        validate: ['sh', '-c', '! grep -q bad "$REINIT_SNAPSHOT_DIR"/*'],
        settle: '10ms',
        reload_after_start: '100ms',
        confirm: '50ms',
        good_after: '100ms',
      },
    ],
  });
  const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`crash: CRASH_SEED=${seed}\n`);
  return { volume, target, command: withVolume(volume, mounted, [reinit, '-c', config]), random: randomFrom(seed) };
}

/** What the link leads to, as a reader that opens the directory once finds it. Undefined: nothing is published yet. */
function shown(target: string): string | undefined {
  const link = (): string => readlinkSync(target);
  if (!existsSync(dirname(target)) || !lstatSync(target, { throwIfNoEntry: false })) return undefined;
  const leads = link();
  const directory = resolve(dirname(target), leads);
  try {
    const found = readdirSync(directory).sort();
    const texts = new Set(found.map((name) => readFileSync(join(directory, name), 'utf8')));
    return texts.size === 1 && found.join() === names.join() ? [...texts][0] : `torn: ${found} ${[...texts]}`;
  } catch (error) {
    // A generation that was replaced, and tidied away while we read it. It was complete, or nothing would have been there.
    if (link() !== leads) return undefined;
    throw error;
  }
}

/** Looks at the published files all the time. */
function observe(target: string): readonly string[] {
  const wrong: string[] = [];
  const timer = setInterval(() => {
    const text = shown(target);
    if (text !== undefined && !/^good\d+$/.test(text)) wrong.push(text);
  }, 2);
  onTestFinished(() => clearInterval(timer));
  return wrong;
}

const refused = /"event":"refused"/g;
const back = /"event":"back"/g;

const readings = (container: Namespace): string[] =>
  [...container.stdout().matchAll(/^(?:start|hup) ?(.*)$/gm)].map(([, text]) => text ?? '');

it.skipIf(!isRoot)(
  'kill -9 of the controller at random instants: never half a generation, never a refused one, and in the end the newest accepted',
  async () => {
    const { volume, target, command, random } = await makePipeline();
    const wrong = observe(target);
    const container = await startContainer(command);
    await eventually('the application', () => readings(container).length > 0, 60_000);
    let generation = 0;
    for (let kill = 0; kill < kills; kill++) {
      const pid = await eventually('a controller', () => controllerOf(container), 60_000);
      if (random(4) > 0) await updateVolume(volume, payload(++generation));
      await pause(random(180));
      process.kill(pid, 'SIGKILL');
      const at = Date.now();
      await eventually('the next controller', () => ![undefined, pid].includes(controllerOf(container)), 60_000);
      // Before the pauses between failures in a row grow to seconds, a controller is left to acknowledge something.
      if (Date.now() - at > 200) {
        while (!isAccepted(++generation));
        await updateVolume(volume, payload(generation));
        await eventually('the change', () => readings(container).at(-1) === textOf(generation), 60_000);
      }
    }
    while (!isAccepted(++generation));
    await updateVolume(volume, payload(generation));
    await eventually('the last generation', () => readings(container).at(-1) === textOf(generation), 60_000);
    expect(shown(target)).toBe(textOf(generation));
    expect(readings(container).filter((text) => !/^good\d+$/.test(text))).toEqual([]);
    expect(wrong).toEqual([]);
    expect(container.stdout().match(/^start/gm), 'one application').toHaveLength(1);
    // What is applied is what runs: a refused one leaves it, and the same good one again is nothing new.
    const before = readings(container).length;
    const lines = (what: RegExp): number => container.stderr().match(what)?.length ?? 0;
    const [refusals, returns] = [lines(refused), lines(back)];
    await updateVolume(volume, payload(3 * 10_000 + 2));
    await eventually('the refusal', () => lines(refused) > refusals, 60_000);
    await updateVolume(volume, payload(generation));
    await eventually('the return', () => lines(back) > returns, 60_000);
    expect(readings(container)).toHaveLength(before);
    process.stdout.write(`crash: ${kills} kills of the controller, ${generation} generations\n`);
  },
  900_000,
);

it.skipIf(!isRoot)(
  'kill -9 of everything at random instants: the next container starts on an accepted generation',
  async () => {
    const { volume, target, command, random } = await makePipeline();
    const wrong = observe(target);
    let generation = 0;
    for (let kill = 0; kill < kills; kill++) {
      const container = await startContainer(command);
      await pause(random(400));
      await updateVolume(volume, payload(++generation));
      await pause(random(400));
      await container.kill();
      expect(readings(container).filter((text) => !/^good\d+$/.test(text))).toEqual([]);
    }
    const container = await startContainer(command);
    while (!isAccepted(++generation));
    await updateVolume(volume, payload(generation));
    await eventually('the last generation', () => readings(container).at(-1) === textOf(generation), 60_000);
    expect(shown(target)).toBe(textOf(generation));
    expect(wrong).toEqual([]);
    // Before the others are looked for: the number of a namespace that is gone may be this one's by now.
    await container.kill();
    process.stdout.write(`crash: ${kills} kills of everything, ${generation} generations\n`);
  },
  900_000,
);
