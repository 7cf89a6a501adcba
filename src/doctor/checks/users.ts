/** Users, and what they may do. */
import type { Resource } from '../../config/leaves/maps.ts';
import type { ServiceConfig } from '../../config/model.ts';
import type { Account, Accounts } from '../facts/accounts.ts';
import type { Watched } from '../facts/watched.ts';
import { error, type Finding, ok, warn } from '../finding.ts';
import { type Capability, has, refusedAt, stepText } from '../identity.ts';

export function userFindings(
  accounts: Accounts,
  service: ServiceConfig,
  watched: readonly Watched[],
  limits: ReadonlyMap<string, number>,
): Finding[] {
  // The application comes last, and so stands for its name.
  const named = new Map(
    [...accounts.validators.values(), accounts.application].flatMap((one) => (one.kind === 'same' ? [] : [[one.user, one] as const])),
  );
  return [
    ...[...named.values()].flatMap((account) => accountFindings(account, accounts)),
    ...watched.flatMap((rule) => readFindings(rule, accounts.application)),
    ...limitFindings(service, accounts, limits),
  ];
}

/** What becoming that user takes, and signalling what then runs as it (kill(2)). */
const needed: readonly Capability[] = ['SETUID', 'SETGID', 'KILL'];

function accountFindings(account: Exclude<Account, { kind: 'same' }>, { init, application }: Accounts): Finding[] {
  if (account.kind === 'unknown')
    return [error('user.unknown', account.problem, { remedy: 'Make it in the image (useradd), or write numbers: user: "101:101".' })];
  if (account.ids.uid === init.uid && account.ids.gid === init.gid)
    return [ok('user.known', `${account.actor.text} is whom reinit runs as`)];
  // Validators are signalled too: at the end of their time.
  const missing = needed.filter((name) => !has(init, name) && !(name === 'KILL' && account.ids.uid === init.uid));
  if (missing.length === 0) return [ok('user.known', `reinit may run programs as ${account.actor.text}, and signal them`)];
  const what = account === application ? 'the application' : 'a validator';
  return [
    error(
      'user.capabilities',
      `${what} is to run as ${account.actor.text}, and reinit lacks ${missing.map((name) => `CAP_${name}`).join(', ')}`,
      {
        remedy: `Add ${missing.join(', ')} to the container's capabilities, or run the whole container as that user (runAsUser, docker run --user).`,
      },
    ),
  ];
}

/** A user of the application's own: whether it can read what reinit can. */
function readFindings({ policy: { name: rule }, trails }: Watched, application: Account): Finding[] {
  if (application.kind !== 'named') return [];
  const refused = trails.flatMap(({ path, trail }) => {
    const step = refusedAt(trail, application.actor, 'read');
    return step === undefined ? [] : [{ path, step }];
  });
  const [first] = refused;
  if (first === undefined) return trails.length > 0 ? [ok('user.reads', `${application.actor.text} can read the files`, { rule })] : [];
  const others = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  return [
    warn('user.reads', `${application.actor.text} cannot read ${first.path}${others}`, {
      rule,
      detail: stepText(first.step),
      remedy: `Of a Secret or ConfigMap: defaultMode: 0440 and fsGroup: ${application.actor.gid} in the pod. Elsewhere give the file to that user or its group.`,
    }),
  ];
}

/** Names of setrlimit(2) and of /proc/PID/limits. */
const limitNames: Readonly<Record<Resource, string>> = {
  as: 'address space',
  core: 'core file size',
  cpu: 'cpu time',
  data: 'data size',
  fsize: 'file size',
  locks: 'file locks',
  memlock: 'locked memory',
  msgqueue: 'msgqueue size',
  nice: 'nice priority',
  nofile: 'open files',
  nproc: 'processes',
  rss: 'resident set',
  rtprio: 'realtime priority',
  rttime: 'realtime timeout',
  sigpending: 'pending signals',
  stack: 'stack size',
};

function limitFindings({ limits }: ServiceConfig, { init }: Accounts, now: ReadonlyMap<string, number>): Finding[] {
  if (has(init, 'SYS_RESOURCE')) return [];
  return Object.entries(limits).flatMap(([name, text]) => {
    const hard = now.get(limitNames[name as Resource]);
    const [soft = '', given = soft] = text.split(':');
    const wanted = given === 'unlimited' ? Number.POSITIVE_INFINITY : Number(given);
    if (hard === undefined || wanted <= hard) return [];
    return [
      error('user.limits', `limits: ${name} is to be ${given}, and the container's own limit is ${hard}`, {
        detail: 'Raising it takes CAP_SYS_RESOURCE: the application would not be started.',
        remedy: `Ask the engine for it: docker run --ulimit ${name}=${given}; or lower it here.`,
      }),
    ];
  });
}
