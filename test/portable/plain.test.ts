import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { hosts, lives, startPortable } from './portable.ts';

describe.each(hosts)('plain, started by %s', (_name, host) => {
  const cases: [string, string[], number][] = [
    ['its own exit code', ['--', 'sh', '-c', 'exit 37'], 37],
    ['128+n of a signal', ['--', 'sh', '-c', 'kill -USR1 $$'], 138],
    ['126 for what cannot be executed', ['/etc/passwd'], 126],
    ['127 for what is not there', ['--', '/no/such/program'], 127],
    ['a code that counts as 0', ['-e', '37', '--', 'sh', '-c', 'exit 37'], 0],
  ];
  it.each(cases)('%s', async (_case, args, code) => {
    expect(await startPortable([...host, ...args]).exited).toBe(code);
  });

  it('says in one line what it cannot do', async () => {
    const run = startPortable([...host, '--', 'true']);
    await run.exited;
    expect(run.stderr()).toMatch(/^reinit: portable mode \(for development\): no reaping of orphans.*\n$/);
  });

  it('passes signals on, once each', async () => {
    const script =
      'for s in HUP USR1 USR2 WINCH; do trap "echo got $s" $s; done; trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done';
    const run = startPortable([...host, '--', 'bash', '-c', script]);
    await eventually('ready', () => run.stdout().includes('ready'));
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
      run.signal(signal);
      await eventually(signal, () => run.stdout().includes(`got ${signal.slice(3)}\n`));
    }
    run.signal('SIGTERM');
    expect(await run.exited).toBe(9);
    expect(run.stdout()).toBe('ready\ngot HUP\ngot USR1\ngot USR2\ngot WINCH\n');
  });
});

describe('plain', () => {
  const [, [, node]] = hosts as [unknown, [string, readonly string[]]];

  it('gives arguments, directory and environment', async () => {
    const run = startPortable([...node, '--', 'sh', '-c', 'echo "$PWD $GIVEN $1"', 'sh', 'a  b'], { env: { GIVEN: 'yes' } });
    await run.exited;
    await eventually('its output', () => run.stdout() === `${process.cwd()} yes a  b\n`);
  });

  it('takes what the application has left in its group', async () => {
    const run = startPortable([...node, '--', 'sh', '-c', 'sleep 1000 & echo $!']);
    expect(await run.exited).toBe(0);
    await eventually('it has ended', () => !lives(Number(run.stdout())));
  });

  it('runs the command line', async () => {
    const run = startPortable([...node, 'preset']);
    expect(await run.exited).toBe(0);
    await eventually('its output', () => run.stdout().includes('nginx\n'));
  });

  it('needs a command', async () => {
    expect(await startPortable([...node]).exited).toBe(100);
  });
});
