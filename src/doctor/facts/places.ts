/** Places where reinit would write. Nothing is written. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import type { ServiceConfig } from '../../config/model.ts';
import { terminationLogPath } from '../../controller/termination-log.ts';
import { linkAt } from '../../publish/flip.ts';
import { problemIn, writing } from '../../publish/problems.ts';
import { privatePlaces } from '../../publish/store.ts';
import { checkTarget } from '../../publish/target.ts';
import { createLane } from '../../watch/lanes.ts';
import { codeOf } from '../../watch/operations.ts';
import type { Trail } from '../identity.ts';
import { trailTo } from './trail.ts';

/** A mount that hangs is told, and not waited for. */
const lane = createLane(2);
const deadlineMs = 5_000;

export interface Place {
  readonly path: string;
  /** For people, with the setting and what to do; undefined: it can be written. */
  readonly problem: string | undefined;
}

export interface Places {
  readonly state: Place | undefined;
  readonly published: readonly (Place & { readonly rule: string })[];
  /** For copies and for what reinit keeps beside them: the first that can be written is taken. */
  readonly usual: readonly { readonly path: string; readonly writable: boolean }[];
  /** The directory of a control socket whose path was set. */
  readonly control: { readonly path: string; readonly writable: boolean } | undefined;
  /** The directory of `output.file`, which the application's user writes to. `writable`: by us. */
  readonly output: { readonly path: string; readonly writable: boolean; readonly trail: Trail } | undefined;
  readonly terminationLog: 'none' | 'writable' | 'refused';
}

export async function readPlaces({ state_dir: state, watch, control_socket: socket, output }: ServiceConfig): Promise<Places> {
  const published = watch.flatMap(({ name, publish }) => (publish === undefined ? [] : [{ rule: name, publish }]));
  return {
    state: state === undefined ? undefined : await placeFor('state_dir', state, state, async () => undefined),
    published: await Promise.all(
      published.map(async ({ rule, publish: { to, mode } }) => ({
        rule,
        ...(mode === 'flip'
          ? await placeFor('publish.to', to, dirname(to), () => linkAt(to))
          : await placeFor('publish.to', to, to, () => checkTarget(to))),
      })),
    ),
    usual: await Promise.all(privatePlaces.map(async (path) => ({ path, writable: await isWritable(path) }))),
    control: isAbsolute(socket) ? { path: dirname(socket), writable: await isWritable(dirname(socket)) } : undefined,
    output: output?.file && (await outputPlace(dirname(output.file.path))),
    terminationLog: await lookAtTerminationLog(),
  };
}

/** @param owned fails where somebody else's files are there */
async function placeFor(setting: string, path: string, directory: string, owned: () => Promise<unknown>): Promise<Place> {
  const problem = await problemIn(async () => {
    await writing(setting, path, () => lane.run(path, deadlineMs, () => mayWriteIn(directory)));
    await owned();
  });
  return { path, problem };
}

/** Of a path that does not exist: in the deepest directory above it that does. */
async function mayWriteIn(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    return undefined;
  });
  if (found === undefined && dirname(path) !== path) return mayWriteIn(dirname(path));
  await access(path, constants.W_OK | constants.X_OK);
}

const isWritable = (directory: string): Promise<boolean> =>
  access(directory, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );

const outputPlace = async (path: string): Promise<Places['output']> => ({
  path,
  writable: await isWritable(path),
  trail: trailTo(path) ?? [],
});

async function lookAtTerminationLog(): Promise<Places['terminationLog']> {
  const found = await stat(terminationLogPath).catch(() => undefined);
  if (!found?.isFile()) return 'none';
  return access(terminationLogPath, constants.W_OK).then(
    () => 'writable',
    () => 'refused',
  );
}
