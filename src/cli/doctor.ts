import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { withDistinctNames } from '../controller/rule-names.ts';
import type { Loaded } from '../doctor/checks/configuration.ts';
import type { Request } from '../doctor/main.ts';

export type DoctorFlags = Partial<Pick<Request, 'json' | 'strict' | 'run'>> & { readonly verbose?: boolean };

/** `reinit doctor [-c file] [flags] [-- command…]`: the exit code is 0, or 1 where something is wrong. */
export async function runDoctor(flags: DoctorFlags, given: Pick<Request, 'own' | 'command' | 'variables' | 'out'>): Promise<number> {
  const { doctor } = await import('../doctor/main.ts');
  const { json = false, strict = false, verbose = false, run = true } = flags;
  return doctor({ ...given, json, strict, all: verbose, run, terminal: process.stdout.isTTY === true, load });
}

function load(options: Parameters<Request['load']>[0]): Loaded {
  const warnings: string[] = [];
  let noFile: string | undefined;
  try {
    const config = loadConfig({
      ...options,
      commandOptional: true,
      warn: (warning) => warnings.push(warning),
      noFile: (message) => {
        noFile = message;
      },
    });
    return { config: withDistinctNames(config), warnings, noFile };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, mistakes: error.mistakes, warnings, noFile };
  }
}
