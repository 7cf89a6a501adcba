/** One reading of the files of each rule, as a start would read them. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RulePolicy } from '../../core/policy.ts';
import { isLeftover } from '../../watch/exclude.ts';
import { createReader, type Reading } from '../../watch/generation.ts';
import { codeOf } from '../../watch/operations.ts';
import type { Plan } from '../../watch/plan.ts';
import type { Trail } from '../identity.ts';
import { trailTo } from './trail.ts';

export interface Watched {
  readonly policy: RulePolicy;
  readonly reading: Reading;
  /** Links in the rule's directories that lead nowhere; a few of them. */
  readonly dangling: readonly string[];
  /** Of the files that count, as they are written; a bounded number of them. */
  readonly trails: readonly { readonly path: string; readonly trail: Trail }[];
}

const mostFiles = 500;
const mostDangling = 5;

export async function readWatched(policy: RulePolicy): Promise<Watched> {
  const reading = await createReader(policy).read();
  if (reading.kind !== 'read') return { policy, reading, dangling: [], trails: [] };
  const trails = reading.plan.files.slice(0, mostFiles).flatMap(({ path, real }) => {
    const trail = trailTo(real);
    return trail === undefined ? [] : [{ path, trail }];
  });
  return { policy, reading, dangling: await danglingIn(reading.plan), trails };
}

async function danglingIn({ directories }: Plan): Promise<string[]> {
  const found: string[] = [];
  for (const [path, real] of directories) {
    const entries = await readdir(real, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (found.length >= mostDangling) return found;
      if (entry.isSymbolicLink() && !isLeftover(entry.name) && (await leadsNowhere(join(real, entry.name))))
        found.push(join(path, entry.name));
    }
  }
  return found;
}

const leadsNowhere = (link: string): Promise<boolean> =>
  stat(link).then(
    () => false,
    (error: unknown) => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error)),
  );
