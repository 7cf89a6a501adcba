import { readFileSync } from 'node:fs';
import type { Effect } from '../src/link/messages.ts';
import { endDriven, event, startDriven } from '../test/fixtures/init/controller.ts';
import { hold, nested, orders, spawn, stop } from '../test/fixtures/init/effects.ts';
import { processesOf } from '../test/fixtures/namespace.ts';
import { kilobytes } from './measure.ts';

export interface NestFigures {
  /** Commit → application’s first instruction, in microseconds: without a nest and with one, in turns. */
  readonly plainUs: readonly number[];
  readonly nestedUs: readonly number[];
  /** Memory that the nest has for itself, in kB. */
  readonly privateKb: number;
}

/** `first`: the program that prints CLOCK_MONOTONIC at its first instruction. */
export async function nestFigures(first: readonly string[], times: number): Promise<NestFigures> {
  try {
    const { one, controller } = await startDriven(first);
    const life = await controller.life(0);
    let token = 0;
    const once = async (effect: (token: number) => Effect): Promise<number> => {
      token += 1;
      const printed = one.stdout().length;
      const begin = process.hrtime.bigint();
      life.commit([effect(token)]);
      await event(life, 'exited', (what) => what.token === token);
      const at = BigInt(one.stdout().slice(printed).trim());
      life.commit([stop(token)]);
      const { seq } = await event(life, 'gone', (what) => what.token === token);
      life.commit([], { ack: seq });
      return Number(at - begin) / 1000;
    };
    life.commit([orders({ main_end: hold })]);
    const [plainUs, nestedUs]: [number[], number[]] = [[], []];
    for (let i = 0; i < times; i++) {
      plainUs.push(await once(spawn));
      nestedUs.push(await once(nested));
    }
    life.commit([nested(9999, { argv: ['/bin/sleep', '1000'].map((text) => Buffer.from(text)) })]);
    await event(life, 'spawned', (what) => what.token === 9999);
    return { plainUs, nestedUs, privateKb: nestMemory(one.id) };
  } finally {
    await endDriven();
  }
}

function nestMemory(namespace: string): number {
  const nest = processesOf(namespace).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'reinit-nest\n');
  return kilobytes(`/proc/${nest}/smaps_rollup`, 'Private_Dirty');
}
