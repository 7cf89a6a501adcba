import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import type { Namespace } from '../../fixtures/namespace.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { childNamed, logged } from '../harness.ts';
import { ask, startMachine } from '../machine.ts';

const versions = '/usr/lib/postgresql';
const binaries = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin'))[0] : undefined;

const idOf = (option: '-u' | '-g') => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));

/** A cluster of the user postgres. */
function makeCluster() {
  const directory = scratchDirectory();
  chmodSync(directory, 0o755);
  const [data, sockets] = [join(directory, 'data'), join(directory, 'sockets')];
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  for (const path of [data, sockets]) {
    mkdirSync(path);
    chownSync(path, uid, gid);
  }
  const options = ['-D', data, '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8'];
  execFileSync(join(binaries ?? '', 'initdb'), options, { uid, gid, cwd: directory, stdio: 'ignore' });
  const payload = (settings: string, method = 'trust'): Payload => ({
    'postgresql.conf': `hba_file = '/etc/postgresql/pg_hba.conf'
unix_socket_directories = '${sockets}'
listen_addresses = '127.0.0.1'
fsync = off
${settings}
`,
    'pg_hba.conf': `host all all 127.0.0.1/32 ${method}\n`,
  });
  return { data, volume: join(directory, 'volume'), payload };
}

async function start(watch: object = {}) {
  const cluster = makeCluster();
  await createVolume(cluster.volume, cluster.payload('work_mem = 5MB'));
  const config = {
    preset: 'postgresql',
    user: 'postgres',
    command: ['postgres', '-c', 'config_file=/etc/postgresql/postgresql.conf'],
    environment: { PGDATA: cluster.data, PGHOST: '127.0.0.1' },
    watch: [watch],
  };
  const env = { ...process.env, PATH: `${binaries}:${process.env.PATH}` };
  const container = await startMachine(config, { '/etc/postgresql': cluster.volume }, { env });
  await logged(container, /postgres is ready/);
  return { ...cluster, container };
}

/** Both views read the files anew and say what is wrong with them; an error that is raised makes psql fail, with these words. */
const takenWhole = `do $$ declare e text; begin
  select string_agg(error, '; ') into e from (select error from pg_hba_file_rules union all select error from pg_file_settings) t;
  if e is not null then raise '%', e; end if;
end $$`;

const query = (container: Namespace, sql: string) => ask(container, ['psql', '-h', '127.0.0.1', '-U', 'postgres', '-XAtqc', sql]);
const takes = (container: Namespace, setting: string, value: string) =>
  eventually(`${setting} is ${value}`, async () => (await query(container, `show ${setting}`)) === value);

describe.skipIf(!isRoot || binaries === undefined || !installed('psql'))('preset: postgresql, as the user postgres', () => {
  it('reloads, refuses a broken postgresql.conf with its words, and stops fast although a client is there', async () => {
    const { volume, payload, container } = await start();
    const main = childNamed(container, 'postgres');
    await takes(container, 'work_mem', '5MB');
    await updateVolume(volume, payload('work_mem = 6MB'));
    await takes(container, 'work_mem', '6MB');
    await logged(container, /applied: reloaded/);
    // Without a check it would take the good half of this.
    await updateVolume(volume, payload('work_mem = 7MB\nwork_men = 8MB'));
    expect((await logged(container, /refused: postgres says no/)).join()).toContain('work_men');
    await takes(container, 'work_mem', '6MB');
    expect(childNamed(container, 'postgres')).toBe(main);
    const client = query(container, 'select pg_sleep(60)').catch(() => 'cut off');
    const sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)'";
    await eventually('the client', async () => (await query(container, sleeping)) === '1');
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(await client).toBe('cut off');
  });

  it('what it took by halves is seen by asking it: pg_hba.conf, which nothing checks, and settings that need a restart', async () => {
    const confirm_by = { exec: ['psql', '-XAtq', '-v', 'VERBOSITY=terse', '-c', takenWhole] };
    const { volume, payload, container } = await start({ confirm_by, reload_retries: 0, confirm: '2s' });
    await updateVolume(volume, payload('work_mem = 6MB', 'trrust'));
    expect((await logged(container, /was not confirmed/)).join()).toContain('trrust');
    await takes(container, 'work_mem', '6MB');
    await updateVolume(volume, payload('work_mem = 7MB\nmax_connections = 50'));
    await logged(container, /was not confirmed/, 2);
    await updateVolume(volume, payload('work_mem = 8MB'));
    await takes(container, 'work_mem', '8MB');
    await logged(container, /applied: reloaded/);
  });
});
