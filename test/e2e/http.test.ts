/** A real Prometheus scrapes a real reinit with a real nginx. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childrenOf, configFile, controllerOf, reinit, startContainer } from './harness.ts';
import { byWorkers, fast, mainOf, nginxSite, serves } from './sites.ts';

interface Prometheus {
  /** The value of the only series that a query gives. */
  value(query: string): Promise<number | undefined>;
  /** Alerts that are pending or firing. */
  alerts(): Promise<readonly string[]>;
}

async function startPrometheus(target: number): Promise<Prometheus> {
  const [directory, port] = [scratchDirectory(), await freePort()];
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [resolve(import.meta.dirname, '../../docs/monitoring/alerts.yaml')],
    scrape_configs: [{ job_name: 'reinit', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
  };
  writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config));
  const options = [`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`];
  const server = spawn('prometheus', [...options, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  });
  const api = async (path: string) => JSON.parse(await fetchText(`http://127.0.0.1:${port}/api/v1/${path}`)).data;
  return {
    async value(query) {
      const { result } = await api(`query?query=${encodeURIComponent(query)}`);
      return result.length === 1 ? Number(result[0].value[1]) : undefined;
    },
    alerts: async () => (await api('alerts')).alerts.map(({ labels }: { labels: { alertname: string } }) => labels.alertname),
  };
}

describe.skipIf(!isRoot || !installed('nginx', 'prometheus', 'promtool'))('Prometheus', () => {
  it('sees a change refused, the next one applied, and the controller killed', async () => {
    const [site, port] = [await nginxSite(), await freePort()];
    const config = configFile({
      command: ['nginx', '-c', join(site.volume, 'nginx.conf'), '-g', 'daemon off;'],
      stop_signal: 'QUIT',
      http: `127.0.0.1:${port}`,
      watch: [
        { name: 'site', paths: [site.volume], validate: ['nginx', '-t', '-c', join(site.volume, 'nginx.conf')], ...fast, ...byWorkers },
      ],
    });
    const container = await startContainer([reinit, '-c', config]);
    await serves(site, 'one');
    const get = (path: string, status?: number) => fetchText(`http://127.0.0.1:${port}${path}`, status);
    await eventually('it is ready', async () => (await get('/readyz')) === 'ok');
    const main = await mainOf(site, container);
    const prometheus = await startPrometheus(port);
    const becomes = (query: string, value: number) =>
      eventually(`${query} is ${value}`, async () => (await prometheus.value(query)) === value);
    await becomes('reinit_config_in_sync{rule="site"}', 1);
    await becomes('reinit_application_ready', 1);
    await becomes('reinit_application_processes > 1', 1 + childrenOf(main).length);
    await becomes('reinit_application_memory_bytes > bool 1e6', 1);
    execFileSync('promtool', ['check', 'metrics'], { input: `${await get('/metrics')}\n`, stdio: ['pipe', 'pipe', 'pipe'] });

    await updateVolume(site.volume, site.payload('two', { directive: 'retrun' }));
    await becomes('reinit_config_last_reload_successful', 0);
    await becomes('reinit_refusals_total{reason="invalid"}', 1);
    await becomes('reinit_config_in_sync', 0);
    await eventually('the alert is pending', async () => (await prometheus.alerts()).includes('ReinitConfigRefused'));
    expect(await get('/readyz')).toBe('ok');

    await updateVolume(site.volume, site.payload('three'));
    await becomes('reinit_config_last_reload_successful', 1);
    await becomes('reinit_reloads_total{how="reload",result="success"}', 1);
    await becomes('reinit_reload_duration_seconds_count', 1);
    await becomes('reinit_validation_duration_seconds_count', 2);
    const { rules } = JSON.parse(await get('/status'));
    expect(rules[0]).toMatchObject({ watched_by: 'events', warnings: [] });
    await becomes(`reinit_config_info{hash="${rules[0].applied}"}`, 1);

    container.signal('SIGUSR1'); // nginx opens its logs again
    await becomes('reinit_signals_forwarded_total', 1);
    process.kill(controllerOf(container) ?? 0, 'SIGKILL');
    await becomes('reinit_controller_restarts_total', 1);
    await becomes('reinit_config_last_reload_successful', 1);
    await becomes('up', 1);
    expect(await mainOf(site, container)).toBe(main);
  });
});

describe.skipIf(!installed('promtool'))('alerting rules', () => {
  it('are right, and fire when they are due', () => {
    const root = resolve(import.meta.dirname, '../..');
    for (const words of [
      ['check', 'rules', 'docs/monitoring/alerts.yaml'],
      ['test', 'rules', 'test/monitoring/alerts.test.yaml'],
    ])
      execFileSync('promtool', words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  });
});
