/** Everything that reinit says, searched for what it must not say. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { isRoot } from '../fixtures/host.ts';
import { fetchText, followEvents } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { operate } from '../fixtures/operate.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, reinit, startContainer, withTerminationLog } from './harness.ts';
import { prepared, said } from './sites.ts';

const planted = (place: string): string => `pl4nted-${place}`;
const everywhere = /pl4nted-\S{0,20}/g;

describe.skipIf(!isRoot)('planted secrets', () => {
  it('are in the application, and in nothing that reinit says', async () => {
    const directory = scratchDirectory();
    const at = (name: string): string => join(directory, name);
    const [watched, variables, termination] = ['watched', 'variables', 'termination'].map(at) as [string, string, string];
    await createVolume(watched, { 'app.conf': `password ${planted('file-1')}\n` });
    await createVolume(variables, { TOKEN: planted('env-from') });
    writeFileSync(termination, '');
    const port = await freePort();
    const config = configFile({
      http: `127.0.0.1:${port}`,
      environment: { KEY: planted('environment') },
      env_from: [variables],
      log: { level: 'debug' },
      watch: [
        {
          name: 'app',
          paths: [watched],
          settle: '50ms',
          validate: [['sh', '-c', `exit $(grep -c broken ${watched}/app.conf)`, planted('validator-argument')]],
          on_change: 'http',
          confirm: '1s',
          http: {
            url: `http://127.0.0.1:9/-/reload?key=${planted('query')}`,
            headers: { Authorization: planted('header') },
            timeout: '1s',
          },
        },
      ],
    });
    const application = ['sh', '-c', 'echo up $KEY $TOKEN $OUTER; while :; do sleep 1; done', 'app', `--password=${planted('argument')}`];
    const { REINIT_CONTROL_SOCKET: _, ...env } = process.env;
    const container = await startContainer(
      prepared('mount -t tmpfs tmpfs /run', [], withTerminationLog(termination, [reinit, '-c', config, '--', ...application])),
      {
        env: { ...env, OUTER: planted('container') },
      },
    );
    const run = `/proc/${container.pid}/root/run/reinit`;
    const socket = join(run, 'reinit.sock');
    await eventually('it answers', async () => (await operate(socket, 'status', '--check')).code === 0);
    const events = followEvents(port);
    await updateVolume(watched, { 'app.conf': `broken ${planted('file-2')}\n` });
    await said(container, 'refused');
    const lastWords = await eventually('its last words', () => readFileSync(termination, 'utf8'));
    await updateVolume(watched, { 'app.conf': `password ${planted('file-3')}\n` });
    await said(container, 'action_failed');
    await updateVolume(variables, { TOKEN: planted('env-from-2') });
    await said(container, 'started', 2);

    const verbs = [
      ['status'],
      ['status', '--json'],
      ['history'],
      ['history', '--json'],
      ['events'],
      ['events', '--json'],
      ['logs', '--json'],
      ['reload', '--json'],
      ['check'],
      ['restart', '--json'],
    ];
    const answers = [];
    for (const verb of verbs) answers.push(await operate(socket, ...verb));
    const journals = readdirSync(run).filter((name) => name.startsWith('journal'));
    const paths = ['/', '/status', '/history', '/metrics', '/livez', '/readyz'];
    const served = await Promise.all(paths.map((path) => fetchText(`http://127.0.0.1:${port}${path}`)));
    const spoken = {
      http: served.join('\n'),
      events: events(),
      log: container.stderr(),
      answers: answers.map(({ out, error }) => out + error).join('\n'),
      journals: journals.map((name) => readFileSync(join(run, name), 'utf8')).join('\n'),
      termination: lastWords,
    };

    for (const secret of ['environment', 'env-from-2', 'container']) expect(container.stdout()).toContain(planted(secret)); // they are what they are
    expect(spoken.answers).toContain('"in_sync"');
    expect(spoken.http).toContain('reinit_refusals_total{rule="app",reason="invalid"} 1');
    expect(spoken.events).toContain('"action_failed"');
    expect(spoken.journals).toContain('"action_failed"');
    for (const [where, text] of Object.entries(spoken)) expect(text.match(everywhere) ?? [], where).toEqual([]);
  });
});
