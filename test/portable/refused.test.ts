import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libDir } from '../../scripts/building/paths.ts';
import { configFile, reinit } from '../e2e/harness.ts';
import { isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { startPortable } from './portable.ts';

const command = ['sh', '-c', 'echo started'];
const rule = { paths: ['/tmp/nothing'] };

describe('what portable mode cannot do', () => {
  const cases: [string, object][] = [
    ['sockets', { sockets: ['127.0.0.1:8080'] }],
    ['restart_order: start_first', { restart_order: 'start_first', ready: 'tcp://127.0.0.1:1' }],
    ['ready: notify', { ready: 'notify' }],
    ['stop_signal: RTMIN+3', { stop_signal: 'RTMIN+3' }],
    ['container_stop_signals: RTMIN', { container_stop_signals: ['TERM', 'RTMIN'] }],
    ['watch[0].reload_signal: RTMIN', { watch: [{ ...rule, reload_signal: 'RTMIN' }] }],
    ['watch[1].confirm_by: notify', { watch: [rule, { paths: ['/tmp/other'], confirm_by: 'notify' }] }],
  ];
  it.each(cases)('%s is refused by name, before anything is started', async (name, settings) => {
    const run = startPortable([reinit, '-c', configFile({ command, ...settings })]);
    expect(await run.exited).toBe(100);
    expect(run.stderr()).toContain(`\n  ${name}: `);
    expect(run.stdout()).toBe('');
  });

  it.skipIf(!isRoot)('another user without being root, too', async () => {
    // Anybody has to be able to read it.
    const directory = scratchDirectory();
    chmodSync(directory, 0o755);
    cpSync(libDir, directory, { recursive: true, filter: (file) => !/\/(node|lib[^/]*\.so[^/]*|ld-linux[^/]*)$/.test(file) });
    const within = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, join(directory, 'main.cjs')];
    const as = (user: string) => startPortable(['portable', '--user', user, '--', 'sh', '-c', 'id -u'], { within });
    const other = as('12345');
    expect(await other.exited).toBe(100);
    expect(other.stderr()).toContain('\n  user: ');
    const same = as('65534');
    expect(await same.exited).toBe(0);
    expect(same.stdout()).toBe('65534\n');
  });

  it('what is only weaker is in the one line', async () => {
    const run = startPortable([
      reinit,
      '-c',
      configFile({ command, limits: { nofile: 1024 }, no_new_privileges: true, output: { prefix: '> ' } }),
    ]);
    expect(await run.exited).toBe(0);
    expect(run.stderr()).toMatch(/^reinit: portable mode .*; passed over: limits, output, no_new_privileges\n/);
    expect(run.stdout()).toBe('started\n');
  });
});
