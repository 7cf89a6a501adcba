import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { processesOf } from '../fixtures/namespace.ts';
import { childrenOf, reinit, startContainer, zombiesOf } from './harness.ts';

const naive = [process.execPath, join(import.meta.dirname, '../fixtures/programs/naive.mjs'), '--'];
const tini = ['tini', '--'];
const hasTini = existsSync('/usr/bin/tini');

/** Leaves 20 orphans that end at once, then waits. */
const litter = ['sh', '-c', 'i=0; while [ $i -lt 20 ]; do (sleep 0.05 & exec true) ; i=$((i+1)); done; echo littered; exec sleep 1000'];

/** How many zombies there are once the orphans have ended. */
async function zombiesAfter(init: readonly string[]): Promise<number> {
  const container = await startContainer([...init, ...litter]);
  await eventually('the script has run', () => container.stdout().includes('littered'));
  const orphans = () => processesOf(container.id).length - zombiesOf(container).length;
  // PID 1, and the shell that became sleep.
  await eventually('the orphans have ended', () => orphans() === 2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return zombiesOf(container).length;
}

describe('a shell script that leaves its children behind', () => {
  it('leaves no zombie', async () => expect(await zombiesAfter([reinit, '--'])).toBe(0));
  it('leaves 20 under a naive wrapper', async () => expect(await zombiesAfter(naive)).toBe(20));
});

describe('exit codes', () => {
  const cases: [string, string[], number][] = [
    ['its own', ['sh', '-c', 'exit 37'], 37],
    ['128+n of a signal', ['sh', '-c', 'kill -USR1 $$'], 138],
    ['126 for what cannot be executed', ['/etc/passwd'], 126],
    ['127 for what is not there', ['/no/such/program'], 127],
  ];
  it.each(cases)('%s', async (_name, command, code) => {
    const container = await startContainer([reinit, '--', ...command]);
    expect(await container.exited).toBe(code);
  });

  it('a naive wrapper turns the signal into 1', async () => {
    const container = await startContainer([...naive, 'sh', '-c', 'kill -USR1 $$']);
    expect(await container.exited).not.toBe(138);
  });
});

describe('signals', () => {
  const script =
    'for s in HUP USR1 USR2 WINCH CONT QUIT; do trap "echo got $s" $s; done; trap "exit 9" TERM; echo ready; while :; do sleep 0.01; done';
  const sent = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;

  it.each([['reinit', [reinit, '--']], ...(hasTini ? [['tini', tini] as const] : [])] as const)(
    '%s passes them on',
    async (_name, init) => {
      const container = await startContainer([...init, 'bash', '-c', script]);
      await eventually('ready', () => container.stdout().includes('ready'));
      for (const signal of sent) container.signal(signal);
      for (const signal of sent) await eventually(signal, () => container.stdout().includes(`got ${signal.slice(3)}\n`));
      container.signal('SIGTERM');
      expect(await container.exited).toBe(9);
    },
  );

  it('a naive wrapper dies of one', async () => {
    const container = await startContainer([...naive, 'bash', '-c', script]);
    await eventually('ready', () => container.stdout().includes('ready'));
    container.signal('SIGUSR2');
    container.signal('SIGTERM');
    await container.exited;
    expect(container.stdout()).not.toContain('got USR2');
  });
});

describe('plain mode', () => {
  it('starts no Node: the application is the only child', async () => {
    const container = await startContainer([reinit, 'sleep', '1000']);
    const children = await eventually('a child', () => (childrenOf(container.pid).length > 0 ? childrenOf(container.pid) : undefined));
    expect(children).toHaveLength(1);
    expect(processesOf(container.id)).toHaveLength(2);
  });

  it('gives the environment byte for byte', async () => {
    const raw = Buffer.from([0xff, 0xfe, 0x80]).toString('latin1');
    // Node encodes arguments as UTF-8: the shell makes the bytes.
    const container = await startContainer([
      'bash',
      '-c',
      `export ODD=$'\\xff\\xfe\\x80'; exec ${reinit} -- sh -c 'printf %s "$ODD" | od -An -tx1'`,
    ]);
    expect(await container.exited).toBe(0);
    expect(container.stdout().trim()).toBe(
      Buffer.from(raw, 'latin1')
        .toString('hex')
        .replace(/(..)(?!$)/g, '$1 '),
    );
  });
});
