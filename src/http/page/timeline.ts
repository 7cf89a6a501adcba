/** Changes, restarts and refusals, the newest first: what was decided of each generation once, and what else is worth a line. Pure. */
import { type Generation, tellsOfGeneration } from '../../control/history.ts';
import type { Entry } from '../../journal/journal.ts';
import { after, below } from '../../log/words.ts';
import { type Html, html } from './html.ts';
import { code, moment, named, printed, some, text } from './parts.ts';
import { fateTones, sign, type Tone } from './tone.ts';

const mostItems = 50;
const mostFiles = 5;

interface Item {
  readonly time: string;
  readonly tone: Tone;
  readonly title: Html;
  /** One line more. */
  readonly about?: string;
  readonly why?: string | null;
  readonly output?: string | null;
}

export function timelineSection(generations: readonly Generation[], entries: readonly Entry[], now: number): Html {
  const items = [...generations.map(generationItem), ...entries.filter(isNotable).map(entryItem)].reverse().sort(byTime);
  const left = items.length - mostItems;
  return html`<h2 id="timeline">Timeline</h2>
${items.length === 0 ? html`<p class="card">Nothing has happened yet.</p>` : html`<ol class="card timeline" aria-labelledby="timeline">${items.slice(0, mostItems).map((item) => line(item, now))}</ol>`}
${left > 0 && html`<p class="muted">${left} older ones are in ${code('reinit history')} and ${code('reinit events')}.</p>`}`;
}

/** The newest first. */
const byTime = (a: Item, b: Item): number => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0);

function line({ time, tone, title, about, why, output }: Item, now: number): Html {
  const key = `${time} ${title.markup}`;
  return html`<li>${sign(tone)}<div><p>${title}</p>
${about ? html`<p class="muted">${about}</p>` : null}
${(why || output) && html`<details data-key="${key}"><summary>Why</summary>${why && html`<p>${text(why)}</p>`}${printed(output ?? null, 'What was said', `said ${key}`)}</details>`}
${moment(time, now)}</div></li>`;
}

const fateWords: Readonly<Record<Generation['fate'], string>> = {
  seen: 'seen',
  refused: 'refused',
  applied: 'applied',
  failed: 'failed',
  rolled_back: 'rolled back',
  superseded: 'superseded by the next',
};

function generationItem({ rule, hash, seen_at, decided_at, fate, how, ms, reason, output, good, files, more }: Generation): Item {
  const took = fate === 'applied' && ms !== null ? `, ${after(ms)} after it was seen` : '';
  const by = fate === 'applied' && how ? ` by ${how}` : '';
  return {
    time: decided_at ?? seen_at,
    tone: fateTones[fate],
    title: html`change ${code(hash)} of ${named(rule)} <strong>${fateWords[fate]}</strong>${by}${took}${good && ' · good'}`,
    about: some(
      files.map((file) => below(file, rule)),
      mostFiles,
      more,
    ),
    why: fate === 'applied' ? null : reason,
    output: fate === 'applied' ? null : output,
  };
}

const lives: ReadonlySet<string> = new Set(['started', 'took_over', 'attached', 'target_ended', 'container_stop', 'back']);
const asked: ReadonlySet<string> = new Set(['asked', 'asked_of_application', 'checked']);

function isNotable(entry: Entry): boolean {
  const { event = '', level } = entry;
  return !tellsOfGeneration(entry) && (level === 'error' || level === 'warn' || lives.has(event) || asked.has(event));
}

const levelTones: Readonly<Record<Entry['level'], Tone>> = { error: 'bad', warn: 'warn', info: 'plain', debug: 'plain' };

const entryItem = ({ time, level, msg, output }: Entry): Item => ({
  time,
  tone: levelTones[level],
  title: html`${text(msg)}`,
  output: typeof output === 'string' ? output : null,
});
