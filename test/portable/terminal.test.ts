import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pause, python, reinit } from '../e2e/harness.ts';
import { startTerminal } from '../e2e/terminal.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { startPortable } from './portable.ts';

/** Counts the INTs that it gets; a HUP does not end it. */
function counting(): string {
  const file = join(scratchDirectory(), 'counting.sh');
  writeFileSync(file, "trap 'n=$((n+1)); echo int $n' INT\ntrap 'echo hup' HUP\necho up\nwhile :; do sleep 0.02; done\n");
  return file;
}

describe('a terminal', () => {
  it.skipIf(!isRoot || !installed(python.slice(9)))('a Ctrl-C reaches the application once', async () => {
    const terminal = await startTerminal(['env', 'REINIT_HOST=portable', reinit, '--', 'bash', counting()]);
    await eventually('it runs', () => terminal.shown().includes('up\r\n'));
    for (const count of [1, 2]) {
      terminal.type('\x03');
      await eventually(`Ctrl-C ${count}`, () => terminal.shown().includes(`int ${count}\r\n`));
      await pause(200);
      expect(terminal.shown()).not.toContain(`int ${count + 1}`);
    }
  });

  it.skipIf(!installed('script'))('that is closed ends all', async () => {
    const run = startPortable(['script', '-qec', `${reinit} -- bash ${counting()}`, '/dev/null']);
    await eventually('it runs', () => run.stdout().includes('up\r\n'));
    run.signal('SIGKILL'); // the terminal's other end
    await run.exited;
    await eventually('all has ended', () => run.processes().length === 0);
  });
});
