/** What Kubernetes shows of a container that has ended: a real file where kubelet mounts it, and the real program. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, reinit, startContainer, withTerminationLog } from './harness.ts';

async function lastWordsOf(config: object, options: { readonly stop?: boolean } = {}): Promise<readonly [number, string]> {
  const file = join(scratchDirectory(), 'termination-log');
  writeFileSync(file, '');
  const container = await startContainer(withTerminationLog(file, [reinit, '-c', configFile({ log: { format: 'json' }, ...config })]));
  if (options.stop) {
    await logged(container, /"event":"started"/);
    container.signal('SIGTERM');
  }
  const code = await container.exited;
  return [code, readFileSync(file, 'utf8')];
}

describe.skipIf(!isRoot)('/dev/termination-log', () => {
  it.each<[string, object, number, RegExp]>([
    [
      'the application ended',
      { command: ['sh', '-c', 'exit 3'] },
      3,
      /^reinit: sh ended by itself after \d+\w+: exit code 3\. The container ends with 3\.\n$/,
    ],
    [
      'it was restarted too often',
      { command: ['sh', '-c', 'exit 3'], restart: 'always', restart_limit: 1, restart_delay: '1ms' },
      3,
      /^reinit: sh ended by itself.*exit code 3\. sh was restarted 1 times in a row, the limit.* The container ends with 3\.\n$/,
    ],
    [
      'it cannot be started',
      { command: ['/no/such/program'] },
      127,
      /^reinit: cannot start \/no\/such\/program.* The container ends with 127\.\n$/,
    ],
    ['the configuration has mistakes', { command: ['sh'], uzer: 'app' }, 100, /^reinit: .*reinit\.yaml:1:\d+.*uzer.*did you mean user/s],
    ['the application has said it itself', { command: ['sh', '-c', 'echo mine >/dev/termination-log; exit 3'] }, 3, /^mine\n$/],
  ])('%s', async (_, config, code, words) => {
    expect(await lastWordsOf(config)).toEqual([code, expect.stringMatching(words)]);
  });

  it('the container was stopped', async () => {
    const [code, words] = await lastWordsOf({ command: ['sleep', '1000'] }, { stop: true });
    expect([code, words]).toEqual([
      143,
      expect.stringMatching(/^reinit: TERM stops the container.*sleep has stopped.*TERM.*with 143\.\n$/),
    ]);
  });
});
