/** Standard streams that are closed, lead nowhere, or are never read: the application's business, and nobody else's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { type Base, isAvailable } from './engine.ts';
import { applicationIn, completeJob, configuration, outputOf, startJob } from './job.ts';

/** `script` is PID 1's shell, and makes itself reinit. */
const begun = (script: string) => ({ flags: ['--entrypoint', 'sh'], command: ['-c', script] });
const reinit = 'exec /opt/reinit/bin/reinit --';
const reloader = '/bin/reloader /etc/app/text';

/** Speaks on stderr, and finds that nobody is at the other end of stdout. */
const complaining =
  'trap "" PIPE; trap "exit 7" TERM; trap "echo reload \\$(cat /etc/app/text) >&2; echo lost" HUP; echo start $(cat /etc/app/text) >&2; echo lost; while :; do sleep 0.1; done';

describe.skipIf(!isAvailable).each<Base>(['debian', 'musl'])('standard streams: %s', (base) => {
  it('all are closed to the application that are closed to reinit', async () => {
    const job = await startJob(base, begun(`${reinit} ${reloader} <&-`));
    const application = await applicationIn(job.container);
    expect([0, 1, 2, 3].filter((fd) => existsSync(`/proc/${application}/fd/${fd}`))).toEqual([1, 2]);
    await completeJob(job);
  });

  it('stdout whose reader is gone', async () => {
    await completeJob(await startJob(base, begun(`mkfifo /tmp/out; true </tmp/out & ${reinit} sh -c '${complaining}' <&- >/tmp/out`)));
  });

  it('stderr whose reader is gone', async () => {
    const job = await startJob(base, begun(`mkfifo /tmp/err; true </tmp/err & ${reinit} ${reloader} 2>/tmp/err`));
    await completeJob(job, { refusalIsSeen: false });
  });

  it('stderr that is full: reloads go on, and later it is said what was dropped', async () => {
    const reader = '(until [ -e /tmp/read ]; do sleep 0.1; done; exec cat) </tmp/err &';
    const filler = `sh -c 'printf %65536s >&2 & exec ${reloader}'`;
    // Each refusal is a line of some 16 KiB: what a validator says is kept, up to that.
    const lengthy = 'grep -q bad /etc/app/text || exit 0; printf %20000s x; cat /etc/app/text >>/tmp/judged; exit 1';
    const { flags, command } = begun(`mkfifo /tmp/err; ${reader} ${reinit} ${filler} 2>/tmp/err`);
    const config = configuration({ validate: ['sh', '-c', lengthy] });
    const { container, volume } = await startJob(base, { flags: [...flags, '-v', `${config}:/etc/reinit.yaml:ro`], command });
    const inside = `/proc/${await container.pid()}/root/tmp`;
    const judged = () => (existsSync(`${inside}/judged`) ? readFileSync(`${inside}/judged`, 'utf8') : '');
    // More than the two pipes and the controller's memory hold together: 64, 64 and 256 KiB.
    for (let n = 1; n <= 30; n++) {
      await updateVolume(volume, { text: `bad ${n}\n` });
      await eventually(`change ${n} is judged`, () => judged().endsWith(`bad ${n}\n`));
    }
    await updateVolume(volume, { text: 'good' });
    await eventually('a change is applied', () => container.stdout().includes('reload good'), 30_000);
    expect(outputOf(container)).not.toContain('dropped');
    writeFileSync(`${inside}/read`, '');
    await eventually('the loss is told', () => /"[1-9]\d* log lines were dropped/.test(outputOf(container)), 30_000);
    await container.stop(20);
    expect(await container.exited).toBe(7);
  });
});
