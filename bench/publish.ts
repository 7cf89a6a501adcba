/** How long it takes to stage a generation and to make the application see it, by mode and by number of files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Publish, WatchRule } from '../src/config/model.ts';
import { openStore } from '../src/publish/store.ts';
import { readGeneration } from '../src/watch/generation.ts';
import { ruleFor } from '../test/fixtures/watching.ts';

export interface PublishTimes {
  /** Medians, in ms. */
  readonly stageMs: number;
  readonly publishMs: number;
}

export interface PublishCase {
  readonly files: number;
  readonly bytes: number;
  readonly mode: Publish['mode'];
  /** With `state_dir`: everything is synced to the disk. */
  readonly durable: boolean;
  readonly rounds: number;
  /** The file system of the copies. */
  readonly place: string;
}

/** In each round all files are new. */
export async function timePublishing({ files, bytes, mode, durable, rounds, place }: PublishCase): Promise<PublishTimes> {
  const directory = mkdtempSync(join(place, 'reinit-bench-'));
  try {
    const source = join(directory, 'source');
    const rule = ruleFor([source], { publish: { to: join(directory, 'to'), mode, keep: 1 } });
    const store = openStore({
      stateDir: durable ? join(directory, 'state') : undefined,
      warn: (message) => void process.stderr.write(`${message}\n`),
      places: [directory],
    });
    const stages: number[] = [];
    const publishes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const hash = await writeRound(rule, source, { files, bytes, round });
      const began = performance.now();
      const staged = await store.stage(rule, hash);
      const between = performance.now();
      const problem = await store.publish(rule, hash);
      const ended = performance.now();
      if (staged.kind !== 'staged' || problem !== undefined) throw new Error(`cannot measure: ${JSON.stringify(staged)} ${problem}`);
      stages.push(between - began);
      publishes.push(ended - between);
      await store.prune(rule, [hash]);
    }
    return { stageMs: median(stages), publishMs: median(publishes) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeRound(rule: WatchRule, source: string, round: { files: number; bytes: number; round: number }): Promise<string> {
  for (let n = 0; n < round.files; n++) {
    const inner = join(source, `d${Math.floor(n / 100)}`);
    if (n % 100 === 0) mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, `f${n}.conf`), `${round.round} ${n}\n`.padEnd(round.bytes, '#'));
  }
  return (await readGeneration({ ...rule }))?.hash ?? '';
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const common = { bytes: 4_096, rounds: 31 };
  const cases: readonly (readonly [string, PublishCase])[] = (['/dev/shm', '/tmp'] as const).flatMap((place) => [
    [`${place}: 100 files of 4 KiB, flip`, { ...common, files: 100, mode: 'flip', durable: false, place }] as const,
    [`${place}: 100 files of 4 KiB, files`, { ...common, files: 100, mode: 'files', durable: false, place }] as const,
    [`${place}: 100 files of 4 KiB, flip, state_dir`, { ...common, files: 100, mode: 'flip', durable: true, place }] as const,
    [`${place}: 10,000 files of 1 KiB, flip`, { files: 10_000, bytes: 1_024, rounds: 3, mode: 'flip', durable: false, place }] as const,
  ]);
  process.stdout.write('| what | stage | publish | both |\n|---|---|---|---|\n');
  for (const [name, given] of cases) {
    const { stageMs, publishMs } = await timePublishing(given);
    process.stdout.write(`| ${name} | ${ms(stageMs)} | ${ms(publishMs)} | ${ms(stageMs + publishMs)} |\n`);
  }
}

const ms = (time: number) => `${time.toFixed(1)} ms`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
