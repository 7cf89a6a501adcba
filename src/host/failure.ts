/** Why a program could not be started: the stage and the exit code that init would tell. Pure. */
import { exitCodes } from '../core/exit-codes.ts';

export interface Failure {
  readonly stage: 'exec' | 'interpreter' | 'cwd' | 'user';
  /** An errno. */
  readonly error: number;
  readonly exitCode: number;
  readonly text: string;
}

export interface Circumstances {
  /** `ENOENT`… */
  readonly code: string | undefined;
  /** Node's, which is negative. */
  readonly errno: number | undefined;
  readonly text: string;
  readonly otherUser: boolean;
  /** The working directory that was asked for is there. */
  readonly directoryExists: boolean;
  /** The command names a file that is there. */
  readonly fileExists: boolean;
}

/** Node tells one error for all that happens between fork and exec. */
export function failureOf(circumstances: Circumstances): Failure {
  const { code, errno = 0, text } = circumstances;
  const stage = stageOf(circumstances);
  const notFound = stage === 'exec' && (code === 'ENOENT' || code === 'ENOTDIR');
  return { stage, error: Math.abs(errno), exitCode: notFound ? exitCodes.notFound : exitCodes.cannotExecute, text };
}

function stageOf({ code, otherUser, directoryExists, fileExists }: Circumstances): Failure['stage'] {
  if (!directoryExists) return 'cwd';
  if (code === 'EPERM' && otherUser) return 'user';
  return code === 'ENOENT' && fileExists ? 'interpreter' : 'exec';
}
