import * as v from 'valibot';
import { required, unset, withDefault } from './kinds.ts';
import { choice, duration, globs, integer, onOff, paths, size, text, user } from './leaves/basic.ts';
import { argvs } from './leaves/commands.ts';
import { confirmation } from './leaves/probes.ts';
import { publish } from './leaves/publish.ts';
import { httpCall } from './leaves/requests.ts';
import { signal } from './leaves/signals.ts';

/** The part of the schema (schema.ts) that says what to watch, and what to do about a change. */
export const watchRule = v.strictObject({
  name: unset(text('a name for the rule', 'NAME'), 'The name of the rule in logs and status. Default: its paths.'),
  paths: required(
    paths(1, '/etc/nginx'),
    'Files or directories to watch. They need not exist yet. Name the mounted directory, not a file in it: a file mounted by itself (subPath) never changes.',
  ),
  include: withDefault(globs('"*.conf"'), [], 'Globs of the files that count. Default: all of them.'),
  exclude: withDefault(
    globs('"*.swp"'),
    [],
    "Globs of names to leave out, besides editors' leftovers and Kubernetes' own `..` entries, which are left out always.",
  ),
  recursive: withDefault(onOff, 'true', 'Whether the directories below count, too.'),
  mode: withDefault(
    choice(['auto', 'events', 'poll']),
    'auto',
    'How changes are noticed. `auto` takes events of the file system, and polls where there are none (NFS, FUSE) or no more to be had.',
  ),
  settle: withDefault(
    duration(),
    '300ms',
    'Quiet time after the last event before a change counts, so that one update of many files is one change.',
  ),
  max_wait: withDefault(duration(), '5s', 'Looks at the latest then, even if writing goes on.'),
  rescan: withDefault(duration(), '30s', 'Looks this often in any case, in case an event was lost. `0`: never.'),
  poll_interval: withDefault(duration(50), '2s', 'How often to look where changes have to be polled.'),
  missing_grace: withDefault(
    duration(),
    '5s',
    'How long a file may be gone without that being a change (editors and deployments delete and write again).',
  ),
  max_files: withDefault(
    integer(1, 1_000_000),
    '10000',
    'Files beyond this number are left out, with a warning: probably a wrong directory.',
  ),
  max_bytes: withDefault(size, '64MiB', 'Files beyond this size in all are left out, with a warning.'),
  validate: withDefault(
    argvs('[nginx, -t]'),
    [],
    'Commands that check the new configuration; each must exit with 0 before anything is done. A string is split as a shell would, and never given to one.',
  ),
  validate_timeout: withDefault(duration(1), '30s', 'A validator that takes longer is killed and the change refused.'),
  validate_user: unset(user, "Who runs the validators. Default: the application's user, so that it sees what the application can read."),
  snapshot: withDefault(
    onOff,
    'false',
    'Whether validators get a private copy of the files (`REINIT_SNAPSHOT_DIR`). They do anyway with `publish`, and where a command names `{{snapshot}}`. Only for a configuration whose own includes are relative: absolute ones lead to the live files.',
  ),
  publish: unset(
    publish,
    'Where the application finds accepted configuration, and no other: a path of its own, which reinit keeps. One directory that is watched is there as it is; a single file, or several paths, each below its last part. Validators are given the copy as `{{snapshot}}`; files that include others have to do so by relative paths, since absolute ones lead from the copy to the files of before, and a broken copy would pass.',
  ),
  on_change: withDefault(
    choice(['reload', 'restart', 'exec', 'http', 'none']),
    'reload',
    'What a valid change leads to: `reload` sends `reload_signal`, `restart` stops the application and starts it anew, `exec` runs commands, `http` makes a request, `none` only reports (the application watches by itself).',
  ),
  reload_signal: withDefault(
    signal(true),
    'HUP',
    'The signal that makes the application read its configuration again: HUP for nginx, USR1 for Apache, USR2 for HAProxy and php-fpm.',
  ),
  reload_after_start: withDefault(
    duration(),
    '1s',
    'No reload signal before the application is this old: one in its first moments kills most daemons.',
  ),
  exec: withDefault(
    argvs('[nginx, -s, reload]'),
    [],
    'For `on_change: exec`: commands that make the application take over its configuration, run as its user; each must exit with 0.',
  ),
  exec_timeout: withDefault(duration(1), '30s', 'A command under `exec` that takes longer is killed, and the action has failed.'),
  http: unset(
    httpCall,
    'For `on_change: http`: the request that makes the application take over its configuration. A URL alone is a POST to it.',
  ),
  confirm: unset(
    duration(),
    'How long the application has to stay up after the action for it to count; with `confirm_by`: how long it has to confirm. Default: `3s`, with `confirm_by` `10s`.',
  ),
  confirm_by: unset(
    confirmation,
    'How the application shows that it has taken over its configuration: a probe, which is asked after the action. That it still runs is no proof: some go on with what they had.',
  ),
  reload_retries: withDefault(integer(0, 10), '1', 'How often an action that was not confirmed is tried again before `on_failure`.'),
  on_failure: unset(
    choice(['keep', 'restart', 'rollback']),
    'What follows when the action has failed, or is not confirmed: `keep` leaves the application as it is, `restart` starts it anew, `rollback` publishes the last good configuration again and applies that. Default: `rollback` where there is `publish`, else `keep`.',
  ),
  good_after: withDefault(
    duration(),
    '30s',
    'Configuration that nothing confirmed is good once the application has run on it for so long. The last good one is what `rollback` goes back to.',
  ),
  min_interval: withDefault(duration(), '0', 'Not more than one action in this time; a change that comes earlier waits.'),
  splay: withDefault(
    duration(),
    '0',
    "Spreads replicas: each waits its own share of this before it acts, the same each time (from the pod's name).",
  ),
  max_draining: unset(
    integer(0, 1_000_000),
    'No reload while more old workers than this still finish what they have. Default: no matter how many.',
  ),
  loop_guard: withDefault(
    onOff,
    'true',
    'Whether a rule is held for a while when its files change right after each of its own actions, ten times in a row: then the application, or something that it starts, writes them itself. What is mounted read-only is never held.',
  ),
  on_stale_mount: withDefault(
    choice(['warn', 'exit']),
    'warn',
    'What follows when a file that is mounted by itself (subPath) has been replaced outside: it never changes in here. `exit` stops the application and leaves with `stale_exit_code`, so that the container comes back with the new one.',
  ),
  stale_exit_code: withDefault(integer(0, 255), '75', 'The exit code for that. `75` is EX_TEMPFAIL of sysexits(3).'),
});
