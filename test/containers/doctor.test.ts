/** `reinit doctor` in an image that holds nothing but reinit and the application: before a start, and beside what runs. */
import { describe, expect, it } from 'vitest';
import { examined } from '../fixtures/doctoring.ts';
import { createVolume } from '../fixtures/kubelet.ts';
import { isAvailable, startContainer } from './engine.ts';
import { makeShared, startJob } from './job.ts';

const reinit = '/opt/reinit/bin/reinit';

// What it reads is the kernel's: one engine shows it (vitest.config.ts).
describe.skipIf(!isAvailable)('an image with nothing in it', () => {
  it('before a start: as the container’s PID 1', async () => {
    const volume = makeShared();
    await createVolume(volume, { text: 'one' });
    const flags = ['--entrypoint', reinit, '-v', `${volume}:/etc/app:ro`, '--read-only', '-m', '64m', '--pids-limit', '24'];
    const container = await startContainer('reinit-test/scratch', { flags, command: ['doctor', '--json', '--', '/bin/reloader'] });
    const code = await container.exited;
    const { brief, get } = examined(code, container.stdout() || container.stderr());
    expect(get('pid1.first')?.title).toBe('this is PID 1, as reinit would be');
    expect(get('watch.readable')?.title).toMatch(/kubelet writes.*mounted read-only/);
    expect(get('validate.accepted')?.title).toBe('/bin/reloader accepts the files as they are');
    expect(get('resources.memory')?.title).toBe('the memory limit is 64 MiB');
    expect(get('resources.pids')?.title).toMatch(/^the limit is 24 processes/);
    expect(code, brief().join('\n')).toBe(0);
  });

  it('beside what runs: by exec', async () => {
    const { container } = await startJob('scratch');
    const { code, brief, get } = examined(0, await container.exec(reinit, 'doctor', '--json'));
    expect(get('pid1.first')?.title).toBe('reinit is PID 1');
    expect(get('signals.reload')?.title).toMatch(/^reloader \(process \d+\) takes HUP/);
    expect([code, brief().filter((line) => line.startsWith('error'))]).toEqual([0, []]);
  });
});
