/** What the validators say to the files as they are. */
import { environmentRule } from '../../core/policy.ts';
import { validatorSettings, verdictWords } from '../../log/words.ts';
import type { DryRun, Inherited } from '../facts/validators.ts';
import { error, type Finding, info, ok, warn } from '../finding.ts';

/** @param runs undefined: they were not run */
export function validatorFindings(runs: readonly DryRun[] | undefined, inherited: Inherited, wanted: boolean): Finding[] {
  const environment =
    inherited.kind === 'problem'
      ? [error('validate.environment', inherited.problem, { rule: environmentRule, remedy: 'Correct the files of env_from.' })]
      : [];
  if (runs !== undefined) return [...environment, ...runs.map(runFinding)];
  const hindrance = inherited.kind === 'problem' ? 'variables of env_from cannot be had' : 'a user is not known';
  return [...environment, info('validate.not_run', `validators were not run${wanted ? `: ${hindrance}` : ' (--no-run)'}`)];
}

function runFinding({ rule, program, timeoutMs, verdict, groupless }: DryRun): Finding {
  if (verdict.kind === 'accepted') return ok('validate.accepted', `${program} accepts the files as they are`, { rule });
  const words = 'words' in verdict ? verdict.words : '';
  const caveat = groupless ? 'It was run without the supplementary groups of its user, which a start gives it. ' : '';
  const title = verdict.kind === 'unusable' ? verdictWords(verdict, timeoutMs) : `${program} ${verdictWords(verdict, timeoutMs)}`;
  const refused = verdict.kind === 'ended' && verdict.end.kind === 'code';
  return (groupless && refused ? warn : error)(refused ? 'validate.refused' : 'validate.failed', title, {
    rule,
    detail: words,
    remedy:
      caveat +
      (refused
        ? 'Correct the files: a change would be refused like these.'
        : `Nothing is said against the files: look at the validator (${validatorSettings(rule)}).`),
  });
}
