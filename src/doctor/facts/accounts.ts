/** Who would run what, by the image's own passwd and group. */
import type { Config } from '../../config/model.ts';
import type { UserIds } from '../../controller/user.ts';
import { lookUpUser, UserProblem } from '../../controller/users.ts';
import { type Actor, actorOf, has, type Identity } from '../identity.ts';

/** A user that a setting names; or nobody else than whom reinit runs as. */
export type Account =
  | { readonly kind: 'same'; readonly actor: Actor }
  | { readonly kind: 'named'; readonly user: string; readonly ids: UserIds; readonly actor: Actor }
  | { readonly kind: 'unknown'; readonly user: string; readonly problem: string };

export interface Accounts {
  /** init, or who it would be. */
  readonly init: Identity;
  readonly application: Account;
  /** By the name of the rule. */
  readonly validators: ReadonlyMap<string, Account>;
}

export function readAccounts({ services: { main } }: Config, init: Identity): Accounts {
  const account = (user: string | undefined): Account => (user === undefined ? { kind: 'same', actor: actorOf(init) } : named(user, init));
  const application = account(main.user);
  const validators = main.watch.map(({ name, validate_user: user }) => [name, user === undefined ? application : account(user)] as const);
  return { init, application, validators: new Map(validators) };
}

function named(user: string, init: Identity): Account {
  try {
    const ids = lookUpUser(user);
    const text = `user ${user}${/^[\d:]+$/.test(user) ? '' : ` (${ids.uid}:${ids.gid})`}`;
    // Whoever becomes another user than root loses all capabilities (capabilities(7)).
    const overrides = ids.uid === 0 && has(init, 'DAC_OVERRIDE');
    return { kind: 'named', user, ids, actor: { text, uid: ids.uid, gid: ids.gid, groups: ids.groups, overrides } };
  } catch (error) {
    if (!(error instanceof UserProblem)) throw error;
    return { kind: 'unknown', user, problem: error.message };
  }
}
