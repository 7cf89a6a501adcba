/**
 * The file that reinit itself is configured by: what of it is in force, what was refused, and what has yet to prove itself. Pure.
 *
 * In force is the text that the memo holds, not what the file holds at the moment: so a controller that is started again while the file is bad
 * goes on with the last good one. Taking over another text is a commit that says so; the controller then leaves, and the next one begins on it.
 *
 * What must never happen: a text is in force that nobody has checked; a text that ends controllers or the application stays in force; the
 * application is restarted for settings that it was started with.
 */
import type { Note } from './notes.ts';
import { shortHash } from './reading.ts';
import type { InstanceEvent, RuleState } from './rule.ts';
import type { RuleChange, StartSettings } from './start-settings.ts';

export interface Source {
  readonly hash: string;
  /** Undefined: too long to be kept. The next controller has to read the file. */
  readonly text: string | undefined;
}

export interface OwnConfig {
  /** In force. */
  readonly source: Source;
  /** The hash of what was refused, or has failed, until the file holds something else. */
  readonly refused: string | undefined;
  /** A verdict on what the file holds is waited for, under this id. */
  readonly checking: number | undefined;
  /** The file is to be looked at again as soon as something can be taken over. */
  readonly waits: boolean;
  /** The controller that wrote this, as init counts them. */
  readonly generation: number;
  /** What the application has been started with, and what the instance that is on its way is. Undefined: not known. */
  readonly started: StartSettings | undefined;
  readonly ordered: StartSettings | undefined;
  readonly trial: Trial | undefined;
  /** A text was taken back, which the next controller has to tell: the one that sees it leaves at once. */
  readonly wentBack: WentBack | undefined;
}

/** `problem`: what the application did; undefined: it was the controller that ended. */
interface WentBack {
  readonly from: string;
  readonly problem: string | undefined;
}

/** Until it is over, there is a way back. */
export interface Trial {
  readonly previous: Source;
  /** The last controller on the previous text. */
  readonly since: number;
  /** Undefined: the application is being restarted for it, and is not up yet. */
  readonly until: number | undefined;
  /** The application was restarted for it, so its failure is the text's. */
  readonly restarted: boolean;
  readonly rules: Readonly<Record<string, RuleChange>>;
}

export type ConfigVerdict =
  /** The file holds what is in force. */
  | { readonly kind: 'same' }
  /** `words`: all mistakes, for people; no value of a setting is in them. */
  | { readonly kind: 'bad'; readonly hash: string; readonly words: string }
  | {
      readonly kind: 'good';
      readonly source: Source;
      /** Settings that the running application does not have. */
      readonly restart: readonly string[];
      readonly rules: Readonly<Record<string, RuleChange>>;
    };

export type OwnEvent =
  | { readonly kind: 'configTold'; readonly at: number }
  | { readonly kind: 'configChecked'; readonly id: number; readonly verdict: ConfigVerdict; readonly at: number }
  | { readonly kind: 'timeElapsed'; readonly at: number }
  | { readonly kind: 'instanceSpawned'; readonly settings: StartSettings }
  | InstanceEvent;

export interface OwnStep {
  readonly own: OwnConfig;
  readonly notes: readonly Note[];
  /** What is known of these rules is about other files, or another action. */
  readonly rules: Readonly<Record<string, RuleChange>>;
}

/** So long a controller has to live on a text, and an application that was restarted for it. */
const controllerProvenMs = 5_000;
const applicationProvenMs = 10_000;
/** One in a row may have been killed by chance. */
const mostStarts = 3;
/** Longer ones are not kept: the memo is limited, and holds two of them for a while. */
const mostChars = 20_000;

export const sourceOf = (hash: string, text: string): Source => ({ hash, text: text.length <= mostChars ? text : undefined });

export const freshOwn = (source: Source, generation: number): OwnConfig => ({
  source,
  generation,
  refused: undefined,
  checking: undefined,
  waits: false,
  started: undefined,
  ordered: undefined,
  trial: undefined,
  wentBack: undefined,
});

const to = (own: OwnConfig, notes: readonly Note[] = [], rules: OwnStep['rules'] = {}): OwnStep => ({ own, notes, rules });

/**
 * @param id one that was never used
 * @param quiet nothing is being applied or restarted, and the container does not stop
 */
export function ownTransition(own: OwnConfig, event: OwnEvent, id: number, quiet: boolean): OwnStep | undefined {
  switch (event.kind) {
    case 'configTold':
      return to({ ...own, checking: id });
    case 'configChecked':
      return event.id === own.checking ? checked({ ...own, checking: undefined }, event.verdict, quiet) : undefined;
    case 'timeElapsed':
      return own.trial?.until !== undefined && event.at >= own.trial.until ? to({ ...own, trial: undefined }) : undefined;
    case 'instanceSpawned':
      return to({ ...own, ordered: event.settings });
    case 'instanceStarted':
      return to({ ...own, started: own.ordered, trial: own.trial?.restarted ? proving(own.trial, event.at) : own.trial });
    case 'instanceEnded':
      if (event.ordered || (event.end?.kind === 'code' && event.end.code === 0)) return undefined;
      return failed(own, event.problem ? `it ${event.problem}` : event.end ? 'it ended' : 'it could not be started');
    case 'instanceUnready':
      return failed(own, `it was not ready: ${event.problem}`);
    case 'besideFailed':
      return failed(own, `the new one ${event.problem}`);
    default:
      return undefined;
  }
}

const proving = (trial: Trial, at: number): Trial => ({ ...trial, until: at + applicationProvenMs });

function checked(own: OwnConfig, verdict: ConfigVerdict, quiet: boolean): OwnStep {
  switch (verdict.kind) {
    case 'same': {
      const back = own.refused === undefined && !own.waits ? [] : [{ kind: 'config_back', hash: shortHash(own.source.hash) } as const];
      return to({ ...own, refused: undefined, waits: false }, back);
    }
    case 'bad': {
      if (verdict.hash === own.refused) return to({ ...own, waits: false });
      const [hash, running] = [shortHash(verdict.hash), shortHash(own.source.hash)];
      return to({ ...own, refused: verdict.hash, waits: false }, [{ kind: 'config_refused', hash, running, words: verdict.words }]);
    }
    case 'good': {
      const { source, restart, rules } = verdict;
      if (source.hash === own.refused) return to({ ...own, waits: false });
      if (!quiet || own.trial) return to({ ...own, waits: true });
      const note = { kind: 'config_changed', from: shortHash(own.source.hash), to: shortHash(source.hash), restart } as const;
      const trial: Trial = { previous: own.source, since: own.generation, until: undefined, restarted: false, rules };
      const kept = own.source.text === undefined ? undefined : trial;
      return to({ ...own, source, refused: undefined, waits: false, trial: kept }, [note], rules);
    }
    default:
      return verdict satisfies never;
  }
}

/** The application was restarted for this text, and that did not go well. */
function failed(own: OwnConfig, problem: string): OwnStep | undefined {
  return own.trial?.restarted ? goBack(own, own.trial, problem) : undefined;
}

function goBack(own: OwnConfig, { previous, rules }: Trial, problem: string | undefined): OwnStep {
  const from = own.source.hash;
  return to({ ...own, source: previous, refused: from, waits: false, trial: undefined, wentBack: { from, problem } }, [], rules);
}

/** What a controller begins on, before it has read anything. */
export function beginOwn(own: OwnConfig, generation: number): OwnStep {
  const { trial } = own;
  const step = trial && generation - trial.since > mostStarts ? goBack(own, trial, undefined) : to(own);
  return { ...step, own: { ...step.own, generation } };
}

/** This controller is the first one that begins on a text that was just taken over. */
export const hasTakenOver = ({ trial, generation }: OwnConfig): boolean => trial !== undefined && generation === trial.since + 1;

/** This controller has to prove the text that it begins on; where the application is `restarted` for it, that has to, once it is up. */
export function proveFrom(own: OwnConfig, restarted: boolean, at: number): OwnConfig {
  const { trial } = own;
  if (!trial || (trial.restarted && !restarted)) return own;
  return { ...own, trial: { ...trial, restarted, until: restarted ? undefined : at + controllerProvenMs } };
}

/** What rules are known to be, without what is about other files or another action. */
export function withRuleChanges(
  rules: Readonly<Record<string, RuleState>>,
  changes: OwnStep['rules'],
): Readonly<Record<string, RuleState>> {
  if (Object.keys(changes).length === 0) return rules;
  const left = Object.entries(rules).filter(([name]) => changes[name] !== 'files');
  return Object.fromEntries(left.map(([name, rule]) => [name, changes[name] ? { ...rule, fallen: false, deaths: 0 } : rule]));
}

export const ownDeadline = (own: OwnConfig | undefined): number | undefined => own?.trial?.until;

/** An end of the application would be the text's fault. */
export const isConfigOnTrial = (own: OwnConfig | undefined): boolean => own?.trial?.restarted === true;
