/** What an application has from its start: another value of it takes a restart to count. Pure. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { ServiceConfig } from '../config/model.ts';

/** Key → a digest of its value; what is not set is left out. */
export type StartSettings = Readonly<Record<string, string>>;

const sigwinch = 28;

const values: Readonly<Record<string, (service: ServiceConfig) => unknown>> = {
  command: ({ command }) => command,
  user: ({ user }) => user,
  working_dir: ({ working_dir }) => working_dir,
  environment: ({ environment }) => environment,
  env_from: ({ env_from }) => env_from.length > 0,
  umask: ({ umask }) => umask,
  nice: ({ nice }) => nice,
  limits: ({ limits }) => limits,
  no_new_privileges: ({ no_new_privileges }) => no_new_privileges,
  output: ({ output }) => output,
  notify: asksForNotify,
  stop_signal: winchMeansMore,
};

/** An application that speaks to sd_notify(3) has to be told where. */
export function asksForNotify({ ready, watch }: ServiceConfig): boolean {
  return [ready, ...watch.map(({ confirm_by }) => confirm_by)].some((probe) => probe?.check.kind === 'notify');
}

/**
 * For an application that stops or reloads on WINCH a change of the terminal's size is deadly, and the kernel sends it to whoever is in the
 * foreground: such an application gets a session of its own, so that the terminal has nothing to tell it, and WINCH comes only from outside.
 */
export function winchMeansMore({ stop_signal, container_stop_signals, watch }: ServiceConfig): boolean {
  return [stop_signal, ...container_stop_signals, ...watch.map(({ reload_signal }) => reload_signal)].includes(sigwinch);
}

const known = new WeakMap<ServiceConfig, StartSettings>();

export function startSettingsOf(service: ServiceConfig): StartSettings {
  const found = known.get(service);
  if (found) return found;
  const set = Object.entries(values).flatMap(([key, read]) => {
    const text = JSON.stringify(read(service));
    return isUnset(text) ? [] : [[key, digest(text)] as const];
  });
  const settings = Object.fromEntries(set);
  known.set(service, settings);
  return settings;
}

/**
 * The settings in which an application that was started with `before` differs from one that is started with `after`. Variables that come of
 * `env_from` are a watch rule, which applies itself; only where there are none any more nobody else takes them away.
 */
export function needsRestart(before: StartSettings, after: StartSettings): string[] {
  return Object.keys(values).filter((key) => before[key] !== after[key] && !(key === 'env_from' && after[key] !== undefined));
}

const isUnset = (text: string | undefined): boolean => text === undefined || ['[]', '{}', '0', 'false'].includes(text);
/** Of values that may be secrets: with init, as the file's text is, and nowhere else. */
const digest = (text: string): string =>
  Buffer.from(sha256(Buffer.from(text)))
    .toString('hex')
    .slice(0, 16);

type Fixed = 'attach' | 'sockets' | 'state_dir';
const fixed: readonly Fixed[] = ['attach', 'sockets', 'state_dir'];

/** Settings that nothing but a new container can change: init holds sockets, and what was attached to, until its own end. */
export const changedForGood = (before: ServiceConfig, after: ServiceConfig): Fixed[] =>
  fixed.filter((key) => !same(before[key], after[key]));

/** Of rules that both have: `files`: it watches others by now; `action`: what it does about a change is something else. */
export type RuleChange = 'files' | 'action';

export function changedRules(before: ServiceConfig, after: ServiceConfig): Readonly<Record<string, RuleChange>> {
  const changes = after.watch.flatMap((rule): [string, RuleChange][] => {
    const former = before.watch.find(({ name }) => name === rule.name);
    if (!former) return [];
    const { paths, include, exclude, recursive, publish } = rule;
    const files = { paths, include, exclude, recursive, publish };
    if (Object.entries(files).some(([key, value]) => !same(value, former[key as keyof typeof files]))) return [[rule.name, 'files']];
    const asks = former.on_change === rule.on_change && former.reload_signal === rule.reload_signal;
    return asks ? [] : [[rule.name, 'action']];
  });
  return Object.fromEntries(changes);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
