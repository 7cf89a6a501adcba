import { caches } from './caches.ts';
import { databases } from './databases.ts';
import { servers } from './servers.ts';
import type { Preset } from './types.ts';

/** Name → what is known about the application. Observed with Debian 12's packages where no source is named. */
export const presets = { ...servers, ...databases, ...caches } as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as readonly PresetName[];

export const presetOf = (name: unknown): Preset | undefined =>
  typeof name === 'string' && Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined;
