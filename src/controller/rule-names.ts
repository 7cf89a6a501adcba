import type { Config, WatchRule } from '../config/model.ts';
import { environmentRule } from '../core/policy.ts';

/** Rules are known by their names, in the memo too: where two have the same one, the later ones are numbered; that of the variables is taken. */
export function withDistinctNames(config: Config): Config {
  const taken = new Set(config.services.main.env_from.length > 0 ? [environmentRule] : []);
  const watch = config.services.main.watch.map((rule): WatchRule => {
    let name = rule.name;
    for (let n = 2; taken.has(name); n += 1) name = `${rule.name} (${n})`;
    taken.add(name);
    return name === rule.name ? rule : { ...rule, name };
  });
  return { ...config, services: { ...config.services, main: { ...config.services.main, watch } } };
}
