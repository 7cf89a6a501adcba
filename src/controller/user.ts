/** Names of users and groups to numbers, as container engines read `USER` (the files are the image's; there may be none). Pure. */

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Undefined where passwd does not say. */
  readonly home: string | undefined;
}

export type UserResult = { readonly ok: true; readonly ids: UserIds } | { readonly ok: false; readonly problem: string };

interface Entry {
  readonly name: string;
  readonly id: number;
  readonly rest: readonly string[];
}

/**
 * `user`, `uid`, `user:group`, `uid:gid` and mixtures. Without a group: the user's own group and the groups that list it as a member; a number that
 * passwd does not know has group 0, as with Docker.
 *
 * @param passwd the text of /etc/passwd, empty where there is none; `group` likewise
 */
export function resolveUser(text: string, passwd: string, group: string): UserResult {
  const [userText = '', groupText] = text.split(':');
  const users = entriesOf(passwd, 2);
  const groups = entriesOf(group, 2);
  const number = idOf(userText);
  const user = users.find(({ name, id }) => (number === undefined ? name === userText : id === number));
  const uid = number ?? user?.id;
  const home = user?.rest[2] || undefined;
  if (uid === undefined) return { ok: false, problem: `there is no user "${userText}" in /etc/passwd` };
  if (groupText !== undefined && groupText !== '') {
    const gid = idOf(groupText) ?? groups.find(({ name }) => name === groupText)?.id;
    if (gid === undefined) return { ok: false, problem: `there is no group "${groupText}" in /etc/group` };
    return { ok: true, ids: { uid, gid, groups: [], home } };
  }
  const gid = idOf(user?.rest[0] ?? '') ?? 0;
  const memberOf = groups.filter(({ rest }) => user !== undefined && (rest[0] ?? '').split(',').includes(user.name)).map(({ id }) => id);
  return { ok: true, ids: { uid, gid, groups: [...new Set(memberOf)].filter((id) => id !== gid), home } };
}

/** Lines of `name:x:id:rest…`; whatever is not one is skipped, as getpwnam(3) does. */
function entriesOf(text: string, idAt: number): Entry[] {
  return text.split('\n').flatMap((line): Entry[] => {
    const fields = line.split(':');
    const id = idOf(fields[idAt] ?? '');
    const name = fields[0] ?? '';
    return name === '' || name.startsWith('#') || id === undefined ? [] : [{ name, id, rest: fields.slice(idAt + 1) }];
  });
}

/** 2³¹−1 is the largest that the link carries, and more than the kernel's own default range. */
function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id < 2 ** 31 ? id : undefined;
}
