import type { Preset } from './types.ts';

/** Web servers and what stands beside them: they reload by a signal, under the same pid. */
export const servers = {
  nginx: {
    about: 'Started in the foreground: nginx -g "daemon off;".',
    service: [{ name: 'stop_signal', value: 'QUIT', why: 'The graceful stop: TERM cuts requests off (nginx.org, Controlling nginx).' }],
    rule: [
      { name: 'paths', value: ['/etc/nginx'], why: 'Where the official image and Debian have it.' },
      {
        name: 'validate',
        value: ['nginx', '-t'],
        published: ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf'],
        why: 'Checks the live files. A copy would not do: includes with absolute paths lead from it to the live ones, and a broken copy would pass.',
      },
      { name: 'reload_signal', value: 'HUP', why: 'Starts new workers, and lets the old ones finish.' },
      {
        name: 'confirm_by',
        value: 'workers',
        why: 'The signal is never answered: with a configuration that cannot run (a port that is taken) nginx keeps its old workers.',
      },
      {
        name: 'max_draining',
        value: '32',
        why: 'Old workers live as long as their last connection; see also worker_shutdown_timeout in nginx.conf.',
      },
    ],
    examples: [{ name: 'ready', value: 'tcp://127.0.0.1:8080', why: 'The port is in your configuration.' }],
  },
  apache: {
    about:
      'Started in the foreground: httpd-foreground, httpd -DFOREGROUND or apache2 -DFOREGROUND; not apachectl, which stays in between.',
    service: [
      {
        name: 'stop_signal',
        value: 'WINCH',
        why: 'The graceful stop (httpd.apache.org, Stopping and Restarting): TERM cuts requests off.',
      },
    ],
    rule: [
      { name: 'paths', value: ['/usr/local/apache2/conf'], why: 'Where the official image has it; Debian has /etc/apache2.' },
      {
        name: 'validate',
        value: ['apachectl', '-t'],
        why: "Debian's apachectl reads /etc/apache2/envvars first, without which apache2 -t refuses every configuration. Checks the live files.",
      },
      {
        name: 'reload_signal',
        value: 'USR1',
        why: 'The graceful restart. With a broken configuration it ends the server, so nothing may slip past validate.',
      },
      { name: 'confirm_by', value: 'workers', why: 'It acts on the signal with its next tick, up to 1s later, and never answers.' },
      {
        name: 'max_draining',
        value: '16',
        why: 'Old children keep their places in the scoreboard, of which there are 16 by default (ServerLimit).',
      },
    ],
    examples: [{ name: 'ready', value: 'tcp://127.0.0.1:80', why: 'The port is in your configuration.' }],
  },
  haproxy: {
    about: 'Started as master and workers: haproxy -W -f FILE, or -Ws.',
    service: [{ name: 'stop_signal', value: 'USR1', why: 'The soft stop: TERM cuts connections off (Management Guide, 4).' }],
    rule: [
      { name: 'paths', value: ['/usr/local/etc/haproxy'], why: 'Where the official image has it; Debian has /etc/haproxy.' },
      {
        name: 'validate',
        value: ['haproxy', '-c', '-f', '/usr/local/etc/haproxy/haproxy.cfg'],
        why: 'The file that haproxy itself is given with -f.',
      },
      { name: 'reload_signal', value: 'USR2', why: 'The master executes itself again, under the same pid, and starts a new worker.' },
      {
        name: 'confirm_by',
        value: 'workers',
        why: 'Not notify: a master started with -Ws says READY=1 after a reload that failed, too (seen with 2.6); a new worker is there only after one that did not.',
      },
      {
        name: 'max_draining',
        value: '8',
        why: 'Old workers live as long as their last connection; see also hard-stop-after and mworker-max-reloads.',
      },
    ],
    examples: [{ name: 'ready', value: 'notify', why: 'With -Ws; without, tcp:// and a port of your configuration.' }],
  },
  'php-fpm': {
    about: 'Started in the foreground: php-fpm -F.',
    service: [{ name: 'stop_signal', value: 'QUIT', why: 'The graceful stop; TERM cuts requests off (php-fpm(8)).' }],
    rule: [
      {
        name: 'paths',
        value: ['/usr/local/etc/php-fpm.d', '/usr/local/etc/php'],
        why: 'Where the official image has it; Debian has /etc/php/8.2/fpm and calls the program php-fpm8.2.',
      },
      { name: 'validate', value: ['php-fpm', '-t'], why: 'Checks the live files.' },
      {
        name: 'reload_signal',
        value: 'USR2',
        why: 'It executes itself again, under the same pid. Requests are waited for only where process_control_timeout is set.',
      },
      {
        name: 'confirm',
        value: '3s',
        why: 'Whatever fails in a reload ends it, with 78: staying up is a proof. New workers would be none, as with pm = ondemand there are none before the first request.',
      },
    ],
    examples: [{ name: 'ready', value: 'tcp://127.0.0.1:9000', why: "The official image's port; Debian's is a Unix socket." }],
  },
  dnsmasq: {
    about: 'Started in the foreground: dnsmasq -k.',
    service: [{ name: 'ready', value: 'tcp://127.0.0.1:53', why: 'It answers on TCP, too.' }],
    rule: [
      {
        name: 'paths',
        value: ['/etc/dnsmasq.conf', '/etc/dnsmasq.d'],
        why: 'Where it looks by itself, and where that file usually leads (conf-dir).',
      },
      {
        name: 'validate',
        value: ['dnsmasq', '--test'],
        why: 'Reads /etc/dnsmasq.conf. Where dnsmasq is given -C or -7, give the same here.',
      },
      {
        name: 'on_change',
        value: 'restart',
        why: 'HUP reads hosts files again and never its configuration (dnsmasq(8), NOTES). A rule for hosts files alone may have on_change: reload.',
      },
    ],
    examples: [],
  },
} as const satisfies Readonly<Record<string, Preset>>;
