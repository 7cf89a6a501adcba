import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import type { Namespace } from '../../fixtures/namespace.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { childNamed, logged } from '../harness.ts';
import { ask, startMachine } from '../machine.ts';

const settings = (address: string, directive = 'address'): Payload => ({ 'one.conf': `${directive}=/set.test/${address}\n` });
const hosts = (address: string): Payload => ({ hosts: `${address} host.test\n` });
const main = `keep-in-foreground
no-resolv
no-hosts
listen-address=127.0.0.1
bind-interfaces
user=root
pid-file
conf-dir=/etc/dnsmasq.d/,*.conf
addn-hosts=/etc/dnsmasq-hosts/hosts
`;

const question = `const { Resolver } = require('node:dns');
const resolver = new Resolver({ timeout: 2000, tries: 1 });
resolver.setServers(['127.0.0.1']);
resolver.resolve4(process.argv[1], (error, found) => { console.log(error ? error.code : found.join()); });`;
const resolves = (container: Namespace, name: string, address: string) =>
  eventually(`${name} is ${address}`, async () => (await ask(container, [process.execPath, '-e', question, name])) === address);

async function start(watch?: readonly object[]) {
  const directory = scratchDirectory();
  const [confDir, hostsDir, file] = ['conf.d', 'hosts.d', 'base'].map((name) => join(directory, name)) as [string, string, string];
  await createVolume(confDir, settings('192.0.2.1'));
  await createVolume(hostsDir, hosts('192.0.2.101'));
  await createVolume(file, { 'dnsmasq.conf': main });
  const mounts = { '/etc/dnsmasq.conf': join(file, 'dnsmasq.conf'), '/etc/dnsmasq.d': confDir, '/etc/dnsmasq-hosts': hostsDir };
  const container = await startMachine({ preset: 'dnsmasq', command: ['dnsmasq', '-k'], watch }, mounts);
  await logged(container, /dnsmasq is ready/);
  await resolves(container, 'set.test', '192.0.2.1');
  return { confDir, hostsDir, container };
}

describe.skipIf(!isRoot || !installed('dnsmasq'))('preset: dnsmasq', () => {
  it('is restarted for its configuration, and refuses a broken one with its words', async () => {
    const { confDir, container } = await start();
    const before = childNamed(container, 'dnsmasq');
    await updateVolume(confDir, settings('192.0.2.2'));
    await resolves(container, 'set.test', '192.0.2.2');
    await logged(container, /applied: restarted/);
    const after = childNamed(container, 'dnsmasq');
    expect(after).not.toBe(before);
    await updateVolume(confDir, settings('192.0.2.3', 'adress'));
    expect((await logged(container, /refused: dnsmasq says no/)).join()).toContain('bad option');
    await resolves(container, 'set.test', '192.0.2.2');
    expect(childNamed(container, 'dnsmasq')).toBe(after);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('reads hosts files again at HUP, and its configuration never: two rules, and both changed at once are one restart', async () => {
    const reload = { paths: ['/etc/dnsmasq-hosts'], on_change: 'reload', confirm: '500ms', settle: '300ms' };
    const { confDir, hostsDir, container } = await start([{}, reload]);
    await resolves(container, 'host.test', '192.0.2.101');
    const before = childNamed(container, 'dnsmasq');
    await updateVolume(hostsDir, hosts('192.0.2.102'));
    await resolves(container, 'host.test', '192.0.2.102');
    expect(childNamed(container, 'dnsmasq')).toBe(before);
    await logged(container, /applied: reloaded/);
    await Promise.all([updateVolume(hostsDir, hosts('192.0.2.103')), updateVolume(confDir, settings('192.0.2.3'))]);
    await resolves(container, 'set.test', '192.0.2.3');
    await resolves(container, 'host.test', '192.0.2.103');
    await logged(container, /applied: restarted/);
    expect(container.stderr().match(/"event":"started"/g)).toHaveLength(2);
  });
});
