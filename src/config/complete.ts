/** What was read, made complete: the configuration as everything else knows it. Pure. */
import type * as v from 'valibot';
import type { Config, LogSettings, ServiceConfig, WatchRule } from './model.ts';
import type { log, Settings, service } from './schema.ts';
import type { watchRule } from './watch-rule.ts';

const confirmAlone = 3_000;
const confirmAsked = 10_000;
/** An application that is asked has to answer in time; one that is not has to stay up so long. */
export const confirmTime = ({ confirm, confirm_by }: Settings['watch'][number]): number =>
  confirm ?? (confirm_by === undefined ? confirmAlone : confirmAsked);

/** The flat form of the YAML is short for one service called `main`. What a preset says is in the other settings by now. */
export function toConfig({ log, http, preset: _, attach, output, ...given }: Settings): Config {
  const main: ServiceConfig = {
    attach: attach && { match: undefined, name: undefined, pid_file: undefined, ...attach },
    output: output && { ...output, prefix: output.prefix ?? '', file: output.file },
    user: undefined,
    working_dir: undefined,
    umask: undefined,
    stop_timeout: undefined,
    ready: undefined,
    liveness: undefined,
    readiness: undefined,
    memory_limit: undefined,
    max_uptime: undefined,
    state_dir: undefined,
    ...given,
    command: given.command ?? [],
    stop_signal: given.stop_signal ?? 0,
    watch: given.watch.map(toRule),
  };
  return { log, http: toHttp(http), services: { main } };
}

const toHttp = (given: Settings['http']): Config['http'] =>
  given === undefined || given.listen === 'off' ? undefined : { ...given, listen: given.listen };

function toRule(given: Settings['watch'][number]): WatchRule {
  return {
    validate_user: undefined,
    publish: undefined,
    http: undefined,
    confirm_by: undefined,
    max_draining: undefined,
    ...given,
    name: given.name ?? given.paths.join(', '),
    confirm: confirmTime(given),
    on_failure: given.on_failure ?? (given.publish === undefined ? 'keep' : 'rollback'),
  };
}

/** The schema and the model must not drift apart: each key of the model has a setting of the same name, and the other way round. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const modelAgrees: {
  readonly service: Same<keyof ServiceConfig | 'preset', keyof typeof service | 'attach' | 'output'>;
  readonly rule: Same<keyof WatchRule, keyof v.InferOutput<typeof watchRule>>;
  readonly log: Same<LogSettings, v.InferOutput<typeof log>>;
} = { service: true, rule: true, log: true };
