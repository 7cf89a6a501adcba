/** Figures against their peers and the goals, as a page. */
import { cpus, release } from 'node:os';

interface Row {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
  readonly goal: string;
  readonly met: boolean;
}

export interface Table {
  /** One figure; it is shown at once, too. */
  row(what: string, ours: string, peer: string, ratio: number | undefined, goal: string, met: boolean): void;
  text(): string;
}

const reached = ({ goal, met }: Row): string => {
  if (goal === '–') return goal;
  return met ? 'yes' : '**no**';
};

/** `about`: how the figures came about. */
export function createTable(title: string, about: string): Table {
  const rows: Row[] = [];
  return {
    row: (what, ours, peer, ratio, goal, met) => {
      rows.push({ what, ours, peer, ratio: ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`, goal, met });
      process.stderr.write(`${met ? '✓' : '✗'} ${what}: ${ours}; peer ${peer}; goal ${goal}\n`);
    },
    text: () =>
      [
        `# ${title}`,
        '',
        about,
        '',
        `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Linux ${release()}, Node ${process.version}.`,
        '',
        '| what | reinit | peer | ratio | to reach | reached |',
        '|---|---|---|---|---|---|',
        ...rows.map((r) => `| ${r.what} | ${r.ours} | ${r.peer} | ${r.ratio} | ${r.goal} | ${reached(r)} |`),
        '',
      ].join('\n'),
  };
}
