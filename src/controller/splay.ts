/** How long this replica waits before it applies a change, so that not all do so at once (`splay`), or restarts by itself (`max_uptime`). Pure. */
import type { Config, WatchRule } from '../config/model.ts';

/** Of `max_uptime`: so much of it may be left out. */
const uptimeSpread = 0.1;

/** Each rule's `splay` becomes this replica's share of it, and `max_uptime` is shorter by one: always the same, whichever controller asks. */
export function withShares(config: Config, env: Readonly<Record<string, string | undefined>>): Config {
  const share = shareOf(env.POD_NAME || env.HOSTNAME || '');
  const { main } = config.services;
  const watch = main.watch.map((rule): WatchRule => (rule.splay === 0 ? rule : { ...rule, splay: Math.floor(rule.splay * share) }));
  const max_uptime = main.max_uptime && Math.round(main.max_uptime * (1 - uptimeSpread * share));
  return { ...config, services: { ...config.services, main: { ...main, watch, max_uptime } } };
}

/** From 0 up to, and without, 1. A StatefulSet numbers its pods (`db-0`, `db-1`): numbers are spread evenly, however many there are. */
export function shareOf(pod: string): number {
  const ordinal = ordinalOf(pod);
  return ordinal === undefined ? hash(pod) / 2 ** 32 : vanDerCorput(ordinal);
}

/** A Deployment's pods end in five letters or digits after the hash of their ReplicaSet. */
function ordinalOf(pod: string): number | undefined {
  if (/-[a-z0-9]{8,10}-[a-z0-9]{5}$/.test(pod)) return undefined;
  const digits = /-(\d{1,4})$/.exec(pod)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** 0, ½, ¼, ¾, ⅛…: the bits of the number, mirrored at the point. */
function vanDerCorput(ordinal: number): number {
  let share = 0;
  for (let [rest, bit] = [ordinal, 0.5]; rest > 0; rest >>= 1, bit /= 2) if (rest & 1) share += bit;
  return share;
}

/** FNV-1a, 32 bits, and MurmurHash3's last mixing, since names differ in their last letters only. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
