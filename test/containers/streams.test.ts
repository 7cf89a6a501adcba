/** Standard streams that are closed, lead nowhere, or are never read: the application's business, and nobody else's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { type Base, isAvailable } from './engine.ts';
import { applicationIn, completeJob, configuration, makeShared, outputOf, startJob } from './job.ts';

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
    // A refusal is a line of 6 KiB: of what a validator says 2000 characters are told, and what is no UTF-8 becomes three bytes each.
    const lengthy = `grep bad /etc/app/text || exit 0; printf %2000s | tr " " '\\377'; exit 1`;
    const lastWords = join(makeShared(), 'termination-log');
    writeFileSync(lastWords, '');
    const { flags, command } = begun(`mkfifo /tmp/err; ${reader} ${reinit} ${filler} 2>/tmp/err`);
    const config = configuration({ validate: ['sh', '-c', lengthy] });
    const mounts = ['-v', `${config}:/etc/reinit.yaml:ro`, '-v', `${lastWords}:/dev/termination-log`];
    const { container, volume } = await startJob(base, { flags: [...flags, ...mounts], command });
    // More than the two pipes, the pump and the controller's memory hold together: 64, 64, 16 and 256 KiB.
    for (let n = 1; n <= 65; n++) {
      await updateVolume(volume, { text: `bad ${n}\n` });
      await eventually(`change ${n} is refused`, () => readFileSync(lastWords, 'utf8').includes(`bad ${n}\n`));
    }
    await updateVolume(volume, { text: 'good' });
    await eventually('a change is applied', () => container.stdout().includes('reload good'), 30_000);
    expect(outputOf(container)).not.toContain('dropped');
    writeFileSync(`/proc/${await container.pid()}/root/tmp/read`, '');
    await eventually('the loss is told', () => /"[1-9]\d* log lines were dropped/.test(outputOf(container)), 30_000);
    await container.stop(20);
    expect(await container.exited).toBe(7);
  });
});
