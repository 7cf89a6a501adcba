import type { Preset } from './types.ts';

export const databases = {
  postgresql: {
    about: 'Started as postgres -c config_file=/etc/postgresql/postgresql.conf, with PGDATA set, as the official image does.',
    service: [
      {
        name: 'stop_signal',
        value: 'INT',
        why: 'The fast shutdown. TERM is the smart one, which waits for every client (postgresql.org, Shutting Down the Server).',
      },
      { name: 'stop_timeout', value: '60s', why: 'It writes a checkpoint first; after a KILL it has to recover.' },
      { name: 'ready', value: { exec: ['pg_isready', '-q'] }, why: 'Says 0 once connections are accepted; it needs no password.' },
    ],
    rule: [
      { name: 'paths', value: ['/etc/postgresql'], why: "Beside the data, which a ConfigMap cannot hold: the official image's advice." },
      {
        name: 'validate',
        value: ['postgres', '-C', 'data_directory', '-c', 'config_file=/etc/postgresql/postgresql.conf'],
        why: 'Reads all of the file and fails on what it does not know. Without it a reload takes the good half of a broken file. It does not read pg_hba.conf: a broken one is kept out by postgres itself, which logs it.',
      },
      {
        name: 'reload_signal',
        value: 'HUP',
        why: 'Some settings need a restart (pending_restart in pg_settings): for those a rule of their own with on_change: restart.',
      },
      {
        name: 'confirm_by',
        value: { exec: ['pg_isready', '-q'] },
        why: 'The signal is never answered; at least it has to accept connections. What it did not take (a broken pg_hba.conf, settings that need a restart) stands in pg_hba_file_rules and pg_file_settings: where psql gets in without a password, a command that asks those is the better proof.',
      },
    ],
    examples: [],
  },
  redis: {
    about: 'Started as redis-server /usr/local/etc/redis/redis.conf.',
    service: [
      { name: 'stop_signal', value: 'TERM', why: 'It saves its data, where save or appendonly say so, and leaves.' },
      { name: 'stop_timeout', value: '60s', why: 'Saving takes as long as the data is large; a KILL loses what is not saved.' },
      { name: 'ready', value: 'tcp://127.0.0.1:6379', why: 'Its usual port.' },
    ],
    rule: [
      { name: 'paths', value: ['/usr/local/etc/redis'], why: "The official image's advice; Debian has /etc/redis." },
      {
        name: 'on_change',
        value: 'restart',
        why: 'It reads its file at start only. It has no check of its own, so a broken file is found out by the restart: publish brings the last good one back.',
      },
    ],
    examples: [
      {
        name: 'publish',
        value: '/run/reinit/redis',
        why: 'With redis-server /run/reinit/redis/redis.conf: a broken file costs one restart.',
        rule: true,
      },
    ],
  },
  prometheus: {
    about: 'Started as prometheus --config.file=/etc/prometheus/prometheus.yml, as the official image does.',
    service: [{ name: 'ready', value: 'http://127.0.0.1:9090/-/ready', why: 'Says 200 once it serves (prometheus.io, Management API).' }],
    rule: [
      { name: 'paths', value: ['/etc/prometheus'], why: 'Where the official image and Debian have it.' },
      {
        name: 'validate',
        value: ['promtool', 'check', 'config', '/etc/prometheus/prometheus.yml'],
        why: 'Checks the rule files that it names, too.',
      },
      {
        name: 'reload_signal',
        value: 'HUP',
        why: 'Needs no option. A configuration that it cannot take is logged, and the old one stays.',
      },
      { name: 'confirm_by', value: 'http://127.0.0.1:9090/-/ready', why: 'The signal is never answered; at least it has to serve.' },
    ],
    examples: [
      {
        name: 'on_change',
        value: 'http',
        why: 'With --web.enable-lifecycle, in place of the signal: the answer says whether it worked.',
        rule: true,
      },
      { name: 'http', value: 'http://127.0.0.1:9090/-/reload', why: 'The request for it.', rule: true },
    ],
  },
} as const satisfies Readonly<Record<string, Preset>>;
