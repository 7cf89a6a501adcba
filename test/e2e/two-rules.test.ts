import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, pause, reinit, startContainer } from './harness.ts';
import { byWorkers, fast, lines, mainOf, nginxSite, type PayloadOptions, type Site, said } from './sites.ts';

/** As a Secret of type kubernetes.io/tls has it. */
function certificate(name: string): Payload {
  const directory = scratchDirectory();
  const [key, cert] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '1', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { 'tls.key': readFileSync(key), 'tls.crt': readFileSync(cert) };
}

/** What the server shows now: the certificate's subject. */
function subject({ port }: Site): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate(true);
      socket.destroy();
      resolve(new X509Certificate(raw).subject);
    }).on('error', reject);
  });
}

interface Pair {
  readonly site: Site;
  readonly secret: string;
  readonly container: Namespace;
  readonly tls: PayloadOptions & { readonly main: string };
}

/** The Secret is read by nginx where it is mounted; `more`: settings of its rule. */
async function start(more: object = {}): Promise<Pair> {
  const site = await nginxSite();
  const secret = join(site.directory, 'secret');
  const tls = {
    main: `server { listen 127.0.0.1:${site.port} ssl; server_name tls; } ssl_certificate ${secret}/tls.crt; ssl_certificate_key ${secret}/tls.key;`,
  };
  await createVolume(secret, certificate('one'), { mode: 0o400 });
  await updateVolume(site.volume, site.payload('one', tls));
  const main = join(site.volume, 'nginx.conf');
  const rule = { validate: ['nginx', '-t', '-c', main], reload_signal: 'HUP', ...fast, ...byWorkers };
  const watch = [
    { name: 'config', paths: [site.volume], ...rule },
    { name: 'certificate', paths: [secret], ...rule, ...more },
  ];
  const config = { command: ['nginx', '-c', main, '-g', 'daemon off;'], stop_signal: 'QUIT', watch, log: { level: 'debug' } };
  const container = await startContainer([reinit, '-c', configFile(config)]);
  await eventually('nginx serves', async () => (await subject(site)) === 'CN=one');
  return { site, secret, container, tls };
}

const signals = (container: Namespace): number => lines(container, 'signalled').length;

describe.skipIf(!isRoot || !installed('nginx', 'openssl'))('a ConfigMap and a Secret of one application', () => {
  it('change within milliseconds of each other, by one reload', async () => {
    const { site, secret, container, tls } = await start();
    const fresh = certificate('two');
    await updateVolume(site.volume, site.payload('two', tls));
    await updateVolume(secret, fresh, { mode: 0o400 });
    await eventually('the new certificate', async () => (await subject(site)) === 'CN=two');
    await eventually('both are applied', () => lines(container, 'applied').filter(({ how }) => how === 'reload').length === 2);
    await pause(1000);
    expect(signals(container)).toBe(1);
  });

  it('are neither of them applied while the other one is refused', async () => {
    const { site, secret, container, tls } = await start();
    await updateVolume(site.volume, site.payload('broken', { ...tls, directive: 'retrun' }));
    await said(container, 'refused');
    await updateVolume(secret, certificate('two'), { mode: 0o400 });
    await said(container, 'refused', 2); // nginx -t reads both
    expect(signals(container)).toBe(0);
    expect(await subject(site)).toBe('CN=one');
    await updateVolume(site.volume, site.payload('two', tls));
    await eventually('the new certificate', async () => (await subject(site)) === 'CN=two');
    expect(signals(container)).toBe(1);
  });

  it('the second half of a change corrects the refused first one: both are applied', async () => {
    const { site, secret, container, tls } = await start();
    const other = { main: tls.main.replaceAll(`${secret}/tls`, `${secret}/new`) };
    await updateVolume(site.volume, site.payload('two', other));
    expect((await said(container, 'refused'))[0]?.output).toContain('new.crt');
    const old = certificate('one');
    const fresh = Object.entries(certificate('two')).map(([name, content]): [string, string | Buffer] => [
      name.replace('tls', 'new'),
      content,
    ]);
    await updateVolume(secret, { ...old, ...Object.fromEntries(fresh) }, { mode: 0o400 });
    await eventually('the new certificate', async () => (await subject(site)) === 'CN=two');
    await eventually('both are applied', () => lines(container, 'applied').filter(({ how }) => how === 'reload').length === 2);
    expect(signals(container)).toBe(1);
    expect(lines(container, 'held_back')).toEqual([]);
  });

  it('with different actions: by the strongest, once', async () => {
    const { site, secret, container, tls } = await start({ on_change: 'restart', confirm_by: undefined, confirm: '300ms' });
    const main = await mainOf(site, container);
    await updateVolume(site.volume, site.payload('two', tls));
    await updateVolume(secret, certificate('two'), { mode: 0o400 });
    await eventually('the new certificate', async () => (await subject(site)) === 'CN=two');
    expect(await mainOf(site, container)).not.toBe(main);
    await pause(1000);
    expect(signals(container)).toBe(0);
    expect(lines(container, 'restarting')).toHaveLength(1);
  });
});
