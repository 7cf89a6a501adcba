/** Who runs the application and its validators: looked up once a controller's life, in the image's own files. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/model.ts';
import { constants, type Hello } from '../link/messages.ts';
import type { Users } from './effects.ts';
import { resolveUser, type UserIds } from './user.ts';

/** Nothing can be started as configured. The message is for people. */
export class UserProblem extends Error {
  override readonly name = 'UserProblem';
}

/** @throws UserProblem where a name is unknown, or where init could not signal what runs as that user. */
export function lookUpUsers({ services: { main } }: Config, hello: Hello): Users {
  const ids = (user: string | undefined): UserIds | undefined => (user === undefined ? undefined : lookUpUser(user));
  const application = ids(main.user);
  if (application && application.uid !== process.getuid?.() && (hello.flags & constants.helloFlags.values.can_kill) === 0) {
    throw new UserProblem(
      `user ${main.user}: init lacks the capability CAP_KILL and could neither stop nor signal the application (stage: user). Add KILL to the container's capabilities, or run the whole container as that user.`,
    );
  }
  return {
    application,
    validators: new Map(main.watch.map(({ name, validate_user: user }) => [name, user === undefined ? application : ids(user)])),
  };
}

/** @throws UserProblem where a name is unknown */
export function lookUpUser(user: string): UserIds {
  const result = resolveUser(user, textOf('/etc/passwd'), textOf('/etc/group'));
  if (!result.ok) throw new UserProblem(`cannot run as ${user}: ${result.problem} (stage: user)`);
  return result.ids;
}

/** Images without these files are common; numbers need none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
