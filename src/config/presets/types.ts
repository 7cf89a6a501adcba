import type { Raw } from '../kinds.ts';

/** One setting of a preset, as a user would write it, and why it is so. */
export interface PresetSetting {
  readonly name: string;
  readonly value: Raw;
  /** In its place for a rule that publishes, where the value's paths below the preset's own are not all that is to be another one. */
  readonly published?: Raw;
  /** One or two sentences, with the source where the fact is not the application's own documentation. */
  readonly why: string;
}

export interface Preset {
  /** What to know first: how the application has to be started for this to be right. */
  readonly about: string;
  readonly service: readonly PresetSetting[];
  /** For each watch rule; `paths` only where a rule has none. */
  readonly rule: readonly PresetSetting[];
  /** Settings that only the user can know, shown as examples: `rule` says where they belong. */
  readonly examples: readonly (PresetSetting & { readonly rule?: true })[];
}
