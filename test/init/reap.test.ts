import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { compiled } from '../fixtures/init/compiled.ts';
import { endAll, naive, reinit, says, send, startInit, tini } from '../fixtures/init/init.ts';

afterEach(endAll);

const orphans = compiled('orphans');

describe('reaping', () => {
  it('5,000 double-forked orphans leave nothing, and their exits do not end the container', async () => {
    const one = await startInit([reinit, '--', orphans, '5000', '5']);
    expect(await one.exited).toBe(5);
    expect(one.stdout()).toContain('left 0\n');
  });

  it('a Node wrapper leaves them as zombies', async () => {
    const one = await startInit([...naive, '/usr/bin/timeout', '-s', 'KILL', '3', orphans, '20', '5']);
    await says(one, 'ready');
    await one.exited;
    expect(one.stdout()).not.toContain('left 0\n');
  });

  it('goes on in a fork storm while signals pour in', async () => {
    const one = await startInit([reinit, '--', orphans, '2000', '6']);
    await says(one, 'ready');
    for (let i = 0; i < 20 && !one.stdout().includes('left'); i++) {
      send(one.pid, ...Array.from({ length: 20 }, () => 10));
    }
    expect(await one.exited).toBe(6);
    expect(one.stdout()).toContain('left 0\n');
    expect(Number(/usr1 (\d+)/.exec(one.stdout())?.[1])).toBeGreaterThan(0);
  });

  it('the main child’s exit ends it with its code, also when orphans end in the same instant: 150 times', () => {
    const race = `for i in $(seq 150); do ${reinit} -- ${compiled('together')} 12 37; echo $?; done`;
    const { stdout } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', race]);
    expect(stdout.toString().trim().split('\n')).toEqual(Array.from({ length: 150 }, () => '37'));
  });

  it('as a mere subreaper it adopts the orphans, and cleans its descendants at the end', () => {
    const run = (init: string) =>
      spawnSync('unshare', [
        ...['--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c'],
        `${init} -- sh -c '(setsid sleep 61 &) ; sleep 0.3; ps -o ppid= -C sleep | tr -d " "; echo $PPID; exit 4'; echo $?; pgrep -c sleep`,
      ]).stdout.toString();
    const [adopted, init, code, left] = run(reinit).split('\n');
    expect(adopted).toBe(init);
    expect(code).toBe('4');
    expect(left).toBe('0');
    // tini without -s lets them go, and leaves them behind.
    expect(run(`${tini} 2>/dev/null`).split('\n')[3]).toBe('1');
  });
});
