/** What is to become of the application's output, as init understands it. Pure. */
import type { Output } from '../config/model.ts';
import { constants, type Effect } from '../link/messages.ts';
import type { UserIds } from './user.ts';

export function outputEffect({ format, prefix, timestamps, file }: Output, user: UserIds | undefined): Effect {
  return {
    kind: 'output',
    format: constants.outputFormats.values[format],
    timestamps: timestamps ? 1 : 0,
    prefix: Buffer.from(prefix),
    path: Buffer.from(file?.path ?? ''),
    max_size: file?.max_size ?? 0,
    max_files: file?.max_files ?? 0,
    also_stdout: file?.also_stdout ? 1 : 0,
    uid: user?.uid ?? -1,
    gid: user?.gid ?? -1,
  };
}
