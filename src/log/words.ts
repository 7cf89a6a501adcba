/** Words and fields that several lines have in common. Pure. */
import { formatDuration } from '../core/durations.ts';
import type { Difference, Refusal } from '../core/notes.ts';
import { environmentRule } from '../core/policy.ts';
import { printable } from '../core/printable.ts';
import { signalName } from '../core/signals.ts';
import type { End } from '../core/wait-status.ts';
import type { LogFields } from './line.ts';

/** A time that has passed, no more exact than people want it. */
export const after = (ms: number): string => (ms < 1 ? '0ms' : formatDuration(ms < 10_000 ? ms : Math.round(ms / 1000) * 1000));
export const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
export const endFields = (end: End): LogFields => (end.kind === 'code' ? { exit_code: end.code } : { signal: signalName(end.signo) });
/** A name below the rule's only path, which has been named already, is told from there. */
export const below = (file: string, rule: string): string => (file.startsWith(`${rule}/`) ? file.slice(rule.length + 1) : file);
export const files = (difference: Difference | undefined, rule: string): string => {
  if (!difference) return '';
  const names = difference.files.map((file) => printable(below(file, rule)));
  const { more } = difference;
  return ` (${names.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
};

export function verdictWords(verdict: Refusal, timeoutMs: number, setting = 'validate_timeout'): string {
  switch (verdict.kind) {
    case 'ended':
      return verdict.end.kind === 'code'
        ? `says no (exit code ${verdict.end.code})`
        : `was ended by signal ${signalName(verdict.end.signo)}`;
    case 'timed_out':
      return `timed out after ${formatDuration(timeoutMs)} (${setting}) and was killed`;
    case 'not_started':
      return `cannot be started: ${verdict.text} (stage: ${verdict.stage})`;
    case 'unusable':
      return verdict.problem;
    default:
      return verdict satisfies never;
  }
}

/** Where the validators of a rule are set. */
export const validatorSettings = (rule: string): string => (rule === environmentRule ? 'env_validate' : 'validate, validate_timeout');
export const validatorSetting = (rule: string): string => (rule === environmentRule ? 'env_validate' : 'validate');

/** A verdict is final until the files change; without one, the validator is asked again. */
export function advice(verdict: Refusal, rule: string): string {
  if (verdict.kind === 'unusable' || (verdict.kind === 'ended' && verdict.end.kind === 'code')) {
    return 'Correct the files: the next change is checked again.';
  }
  return `Nothing is said against the files: look at the validator (${validatorSettings(rule)}). It is asked again now and then, and at the next change.`;
}

export function verdictFields(verdict: Refusal): LogFields {
  switch (verdict.kind) {
    case 'ended':
      return { ...endFields(verdict.end), output: verdict.words };
    case 'timed_out':
      return { timed_out: true, output: verdict.words };
    case 'not_started':
      return { stage: verdict.stage, reason: verdict.text };
    case 'unusable':
      return { reason: verdict.problem };
    default:
      return verdict satisfies never;
  }
}
