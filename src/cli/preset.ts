import { nearest, shorten } from '../config/names.ts';
import { presetNames } from '../config/presets/catalogue.ts';
import { presetText } from '../config/presets/print.ts';
import { exitCodes } from '../core/exit-codes.ts';
import type { Output } from './output.ts';

/**
 * `reinit preset [name]`: what the preset means, as YAML that may stand in reinit.yaml; without a name, which there are.
 *
 * @returns the exit code: 0, or 100 where there is no such preset
 */
export function preset(name: string | undefined, output: Output): number {
  if (name === undefined) {
    for (const known of presetNames) output.out(`${known}\n`);
    return exitCodes.ok;
  }
  const known = presetNames.find((one) => one === name);
  if (known !== undefined) {
    output.out(presetText(known));
    return exitCodes.ok;
  }
  const near = nearest(name.toLowerCase(), presetNames);
  const hint = near === undefined ? `there are ${presetNames.join(', ')}` : `did you mean ${near}?`;
  output.error(`reinit: there is no preset "${shorten(name)}": ${hint}\n`);
  return exitCodes.usage;
}
