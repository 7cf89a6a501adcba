/** How long a reading takes: the first one of many files, and a re-scan in which nothing changed. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createReader, type Reading, readGeneration } from '../src/watch/generation.ts';
import type { Generation } from '../src/watch/types.ts';
import { ruleFor } from '../test/fixtures/watching.ts';
import { median } from './measure.ts';

export interface ReadingTimes {
  readonly firstMs: number;
  /** Median of nine. */
  readonly rescanMs: number;
}

/** 10,000 files of 1 KiB in 100 directories below `directory`, which is made and removed. */
export async function tenThousandFiles(directory: string): Promise<ReadingTimes> {
  for (let d = 0; d < 100; d++) {
    mkdirSync(join(directory, `d${d}`), { recursive: true });
    for (let f = 0; f < 100; f++) writeFileSync(join(directory, `d${d}/f${f}.conf`), `${d} ${f}\n`.padEnd(1024, '#'));
  }
  try {
    await delay(2_100); // younger files are read again each time: their times do not prove anything yet
    return await timeReadings(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function timeReadings(directory: string): Promise<ReadingTimes> {
  const rule = ruleFor([directory]);
  const firstMs = await time(() => readGeneration(rule));
  const reader = createReader(rule);
  const rescans: number[] = [];
  for (let n = 0; n < 9; n++) rescans.push(await time(async () => generationOf(await reader.read())));
  return { firstMs, rescanMs: median(rescans) };
}

async function time(read: () => Promise<Generation | undefined>): Promise<number> {
  const began = performance.now();
  const generation = await read();
  if (generation?.files.size !== 10_000) throw new Error(`cannot measure: ${generation?.files.size} files were read`);
  return performance.now() - began;
}

const generationOf = (reading: Reading) => (reading.kind === 'read' ? reading.generation : undefined);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { firstMs, rescanMs } = await tenThousandFiles(join(process.argv[2] ?? '/tmp', `reinit-bench-${process.pid}`));
  process.stdout.write(`10,000 files: first reading ${firstMs.toFixed(0)} ms, re-scan ${rescanMs.toFixed(0)} ms\n`);
}
