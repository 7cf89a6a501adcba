import type { Preset } from './types.ts';

export const caches = {
  memcached: {
    about: 'It is configured on its command line; files that it reads are passwords (-Y) and certificates (-o ssl_…).',
    service: [
      {
        name: 'stop_signal',
        value: 'USR1',
        why: 'The graceful stop, since 1.5.18: with -e FILE its items are there again after a restart. TERM loses them. It takes them up only if it stopped in an earlier second (seen with 1.6.18): let the command begin with sleep 1.',
      },
      { name: 'ready', value: 'tcp://127.0.0.1:11211', why: 'Its usual port.' },
    ],
    rule: [
      { name: 'paths', value: ['/etc/memcached'], why: 'There is no usual place: name the directory that you mount.' },
      {
        name: 'on_change',
        value: 'restart',
        why: 'What it reads, it reads at start; but the passwords of -Y at HUP, too: a rule for them alone may have on_change: reload.',
      },
    ],
    examples: [{ name: 'env_from', value: ['/etc/memcached-env'], why: 'Where the command line is made of variables.' }],
  },
} as const satisfies Readonly<Record<string, Preset>>;
