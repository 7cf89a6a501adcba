/** A card for each rule: where it is and, where something is wrong, why and what to do. Pure. */
import type { RuleReport } from '../../control/report.ts';
import { type RuleStanding, words } from '../../core/status.ts';
import { type Html, html } from './html.ts';
import { clock, code, facts, moment, named, printed, some, text } from './parts.ts';
import { pill, standingTones, type Tone } from './tone.ts';

const mostRules = 100;
const mostPaths = 10;
const mostWarnings = 10;

const urgency: Readonly<Record<Tone, number>> = { bad: 0, warn: 1, busy: 2, plain: 3, good: 4 };

/** The worst first. */
export function rulesSection(rules: readonly RuleReport[], now: number): Html {
  const sorted = rules.toSorted((a, b) => urgency[standingTones[a.standing]] - urgency[standingTones[b.standing]]);
  const left = rules.length - mostRules;
  return html`<h2 id="rules">Configuration</h2>
${rules.length === 0 && html`<p class="card">Nothing is watched.</p>`}
${sorted.slice(0, mostRules).map((rule, at) => card(rule, at, now))}
${left > 0 && html`<p>${left} more rules are in ${code('reinit status')}.</p>`}`;
}

function card(rule: RuleReport, at: number, now: number): Html {
  const { name, standing, paths, applied, desired, good, rollback_to, pinned, action, watched_by, published, warnings } = rule;
  const tone = standingTones[standing];
  const other = paths.length === 1 && paths[0] === name ? null : some(paths, mostPaths);
  const since = rule.out_of_sync_since ?? rule.changed_at;
  return html`<article class="card edge ${tone}" aria-labelledby="rule-${at}">
<header><h3 id="rule-${at}">${named(name)}</h3>${pill(tone, words[standing])}${pinned && standing !== 'pinned' && pill('warn', 'pinned')}</header>
${advice(rule, now)}
${facts([
  { term: 'Runs with', value: generation(applied) },
  { term: 'Files hold', value: generation(desired) },
  { term: 'Last good', value: generation(good) },
  { term: standing === 'in_sync' ? 'Since' : 'Out of step since', value: since === null ? null : moment(since, now), wide: true },
  { term: 'On a change', value: action },
  { term: 'Watched by', value: watched_by === 'poll' ? 'polling' : watched_by },
  { term: 'Can go back to', value: rollback_to === null ? null : generation(rollback_to) },
  { term: 'Published', value: published ? 'only what was accepted' : null, wide: true },
  { term: 'Paths', value: other, wide: true },
])}
${warnings.slice(0, mostWarnings).map((warning) => html`<p class="note warn">${text(warning)}</p>`)}
</article>`;
}

const generation = (hash: string | null): Html => (hash === null ? html`<span class="muted">none</span>` : code(hash));

/** The words that say why are the log's, and say what to do; commands are what can be done beside. */
function advice(rule: RuleReport, now: number): Html {
  const { name, standing, refusal } = rule;
  const commands = commandsOf(rule);
  if (standing === 'in_sync' || (!refusal && commands.length === 0 && !remedies[standing])) return html``;
  return html`<section class="advice" aria-label="What to do now about ${named(name)}">
<h4>What to do now</h4>
${refusal && html`<p>${text(refusal.reason ?? `Change ${refusal.hash} was refused earlier; why is no longer in the journal.`)}</p>`}
${refusal?.decided_at && html`<p class="muted">${moment(refusal.decided_at, now)}</p>`}
${refusal && printed(refusal.output, `What the validator of ${named(name)} said`, `said-${name}`)}
${remedies[standing] && html`<p>${remedies[standing]}</p>`}
${rule.retry_at && html`<p>The next try is at ${clock(rule.retry_at)}.</p>`}
${commands.length > 0 && html`<ul class="commands">${commands.map(([command, effect]) => html`<li>${code(command)} <span>${effect}</span></li>`)}</ul>`}
</section>`;
}

const remedies: Readonly<Partial<Record<RuleStanding, string>>> = {
  retrying: 'Circumstances stand against it, not the files. It is tried again by itself.',
  held_back: 'It is accepted, and waits for the rule whose files are refused. Correct those: then both are applied.',
  pinned: 'A change is accepted, and waits because somebody has pinned this rule.',
  waiting: 'It is looked at when the application runs.',
  unknown: 'What the files hold cannot be said. The warnings below and the timeline say why.',
};

type Command = readonly [command: string, effect: string];

function commandsOf({ name, standing, rollback_to }: RuleReport): readonly Command[] {
  const argument = quoted(named(name));
  const back: readonly Command[] = rollback_to === null ? [] : [[`reinit rollback ${argument}`, `goes back to ${rollback_to}`]];
  switch (standing) {
    case 'refused':
      return [
        [`reinit check ${argument}`, 'asks the validator again, and applies nothing'],
        [`reinit accept ${argument}`, 'applies it whatever the validator says'],
        ...back,
      ];
    case 'pinned':
      return [[`reinit unpin ${argument}`, 'applies what waits']];
    case 'unknown':
      return [[`reinit rescan ${argument}`, 'looks at the files now']];
    default:
      return [];
  }
}

/** As one word of a shell, so that it can be copied from the page. */
const quoted = (word: string): string => (/^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
