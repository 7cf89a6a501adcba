/** What makes no sense for an application that another container runs. Pure. */
import { type Path, settingName } from './document.ts';
import type { Mistake, Place } from './errors.ts';
import type { Raw } from './kinds.ts';
import type { Probe } from './model.ts';
import type { Settings } from './schema.ts';

const ofItsStart = 'the application is started by its own container: set it there';
const ofItsEnd = 'the application is ended and restarted by its own container: set it there';
const ofHelpers =
  'validators and commands run as reinit does, in the environment of its own container: set it there, or validate_user in the rule';

/** Settings of an application that reinit itself starts → what to do instead. */
const senseless: Readonly<Record<string, string>> = {
  command: 'remove it, or remove attach',
  user: ofHelpers,
  environment: ofHelpers,
  env_from: 'variables reach an application at its start only',
  env_validate: 'variables reach an application at its start only',
  working_dir: ofItsStart,
  umask: ofItsStart,
  nice: ofItsStart,
  limits: ofItsStart,
  no_new_privileges: ofItsStart,
  output: 'its output goes to the log of its own container',
  sockets: 'sockets are handed over at the start of an application only',
  stop_signal: ofItsEnd,
  stop_timeout: ofItsEnd,
  exit_codes: ofItsEnd,
  restart: ofItsEnd,
  restart_delay: ofItsEnd,
  restart_max_delay: ofItsEnd,
  restart_limit: ofItsEnd,
  restart_reset: ofItsEnd,
  restart_order: ofItsEnd,
  liveness: ofItsEnd,
  memory_limit: ofItsEnd,
  max_uptime: ofItsEnd,
  signals: 'signals for the application go to its own container',
  signal_target: 'only the process itself is known for sure',
};

const sayWhich = "say it: --match 'nginx: master', --name or --pid-file, or under attach";
const noRestart =
  "whether somebody starts it again is not for reinit to know: let on_change: exec ask whoever does, or make reinit the application's ENTRYPOINT";

/**
 * @param raw the user's settings, without a preset's, which are simply not used
 * @param hasCommand a command stands after `--`
 */
export function attachMistakes(
  settings: Settings,
  raw: Readonly<Record<string, Raw>>,
  hasCommand: boolean,
  locate: (path: Path) => Place,
): readonly Mistake[] {
  const { attach, watch, ready } = settings;
  if (attach === undefined) return [];
  const found: Mistake[] = [];
  const add = (path: Path, problem: string, hint: string): void => {
    found.push({ place: locate(path), setting: settingName(path), problem, hint });
  };
  const hasTarget = Object.keys(attach).length > 0;
  for (const [name, hint] of Object.entries(senseless)) if (raw[name] !== undefined) add([name], 'with attach nothing is started', hint);
  if (hasCommand) add(['attach'], 'there is a command after --, and with attach nothing is started', 'remove one of the two');
  if (ready !== undefined) probeMistake(ready, ['ready'], add);
  watch.forEach((rule, index) => {
    const at = ['watch', index];
    if (rule.on_change === 'restart') add([...at, 'on_change'], 'reinit cannot restart what another container runs', noRestart);
    if (rule.on_failure === 'restart') add([...at, 'on_failure'], 'reinit cannot restart what another container runs', noRestart);
    if (rule.confirm_by !== undefined) probeMistake(rule.confirm_by, [...at, 'confirm_by'], add);
    const needs = hasTarget ? undefined : settingThatNeedsTarget(rule);
    if (needs !== undefined) add([...at, needs], 'this needs a process, and nothing says which', sayWhich);
  });
  return found;
}

function settingThatNeedsTarget({ on_change, confirm_by, max_draining }: Settings['watch'][number]): string | undefined {
  if (on_change === 'reload') return 'on_change';
  if (confirm_by?.check.kind === 'workers') return 'confirm_by';
  return max_draining === undefined ? undefined : 'max_draining';
}

function probeMistake({ check }: Probe, path: Path, add: (path: Path, problem: string, hint: string) => void): void {
  if (check.kind === 'notify') add(path, 'notify is for an application that reinit starts', 'ask it: http://…, tcp://…, or a command');
}
