/** Each check over facts, made up: what is wrong is found, with a remedy, and what is right is not. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Mistake } from '../../src/config/errors.ts';
import { resources } from '../../src/config/leaves/maps.ts';
import type { Config } from '../../src/config/model.ts';
import type { RulePolicy } from '../../src/core/policy.ts';
import { configurationFindings } from '../../src/doctor/checks/configuration.ts';
import { inotifyFindings } from '../../src/doctor/checks/inotify.ts';
import { pid1Findings } from '../../src/doctor/checks/pid1.ts';
import { placeFindings } from '../../src/doctor/checks/places.ts';
import { programFindings } from '../../src/doctor/checks/programs.ts';
import { resourceFindings } from '../../src/doctor/checks/resources.ts';
import { signalFindings } from '../../src/doctor/checks/signals.ts';
import { stopFindings } from '../../src/doctor/checks/stop.ts';
import { userFindings } from '../../src/doctor/checks/users.ts';
import { validatorFindings } from '../../src/doctor/checks/validators.ts';
import { watchedFindings } from '../../src/doctor/checks/watched.ts';
import type { Account, Accounts } from '../../src/doctor/facts/accounts.ts';
import { type Kernel, parseLimits } from '../../src/doctor/facts/kernel.ts';
import type { Places } from '../../src/doctor/facts/places.ts';
import type { Application, Processes } from '../../src/doctor/facts/processes.ts';
import type { Program } from '../../src/doctor/facts/programs.ts';
import type { Named } from '../../src/doctor/facts/service.ts';
import type { DryRun, Inherited } from '../../src/doctor/facts/validators.ts';
import type { Watched } from '../../src/doctor/facts/watched.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Identity } from '../../src/doctor/identity.ts';
import { secretValues } from '../../src/doctor/secrets.ts';
import type { Process } from '../../src/target/match.ts';
import { parseMounts } from '../../src/watch/mounts.ts';
import { defaultRule, defaultService } from '../fixtures/settings.ts';

const config = { log: { level: 'info', format: 'auto' }, http: undefined, services: { main: defaultService } } as const;
const policy: RulePolicy = { ...defaultRule, name: '/etc/app', paths: ['/etc/app'], source: 'files' };

/** `level id`, each. */
const brief = (findings: readonly Finding[]): string[] => findings.map(({ level, id }) => `${level} ${id}`);
const words = (findings: readonly Finding[]): string =>
  findings.map(({ title, detail, remedy }) => `${title}|${detail}|${remedy}`).join('\n');

describe('configuration', () => {
  test('each mistake is an error of its own; its hint is the remedy', () => {
    const excerpt = { text: 'a: b', from: 0, length: 1 };
    const mistakes: readonly Mistake[] = [
      {
        place: { kind: 'file', file: '/etc/reinit.yaml', at: { line: 1, column: 1, excerpt } },
        setting: 'a',
        problem: 'unknown key',
        hint: 'did you mean x?',
      },
      { place: { kind: 'flag', flag: '--z' }, setting: undefined, problem: 'no' },
    ];
    const findings = configurationFindings({ config: undefined, mistakes, warnings: ['hm'] }, []);
    expect(brief(findings)).toEqual(['error config.mistake', 'error config.mistake', 'warn config.doubt']);
    expect(findings[0]).toMatchObject({
      title: '/etc/reinit.yaml:1:1: a: unknown key',
      detail: '  1 | a: b\n    | ^',
      remedy: 'did you mean x?',
    });
    expect(findings[1]).toMatchObject({ title: '--z: no', detail: '', remedy: '' });
  });
  test('no file at all is no doubt: flags and variables will do', () => {
    const findings = configurationFindings({ config, warnings: [], noFile: 'there is no /etc/reinit.yaml' }, ['app']);
    expect(brief(findings)).toContain('info config.no_file');
    expect(brief(findings)).not.toContain('warn config.doubt');
  });
  test('nothing to run, nothing watched', () => {
    expect(brief(configurationFindings({ config, warnings: [] }, []))).toEqual([
      'ok config.valid',
      'info config.command',
      'info config.watch',
    ]);
    expect(brief(configurationFindings({ config, warnings: [] }, ['app']))).toEqual(['ok config.valid', 'info config.watch']);
  });
});

describe('watched files', () => {
  const stat = { kind: 'file', dev: 1, ino: 1, size: 1, mtimeMs: 0, ctimeMs: 0, nlink: 1 } as const;
  const mounts = (...lines: readonly string[]) => parseMounts(['1 0 0:1 / / rw - overlay overlay rw', ...lines].join('\n'));
  function watched(
    mountLines: readonly string[],
    more: { readonly real?: string; readonly dangling?: readonly string[]; readonly rule?: Partial<RulePolicy> } = {},
  ): Watched {
    const real = more.real ?? '/etc/app/a';
    return {
      policy: { ...policy, ...more.rule },
      dangling: more.dangling ?? [],
      trails: [],
      reading: {
        kind: 'read',
        generation: { hash: 'h', files: new Map() },
        plan: {
          files: [{ path: '/etc/app/a', real, direct: false }],
          missing: new Map(),
          unknown: new Map(),
          leftOut: undefined,
          volumes: new Set(),
          tokens: new Set(),
          directories: new Map([['/etc/app', '/etc/app']]),
          roots: new Map([['/etc/app', '/etc/app']]),
          points: new Map([['/etc/app', { dev: 1, ino: 1, names: new Set<string>(), ignores: undefined }]]),
          links: new Map(),
        },
        mounts: mounts(...mountLines),
        unknown: new Map(),
        leftOut: undefined,
        stats: new Map([[real, stat]]),
      },
    };
  }
  const volume = '2 1 0:2 /pods/x/volumes/kubernetes.io~configmap/app /etc/app ro - ext4 /dev/sda rw';

  test.each<[string, Watched, readonly string[]]>([
    ['a volume', watched([volume]), ['ok watch.readable']],
    ['subPath', watched(['2 1 0:2 /pods/x/volumes/kubernetes.io~configmap/app/a /etc/app rw - ext4 /dev/sda rw']), ['error watch.subpath']],
    ['stale', watched(['2 1 0:2 /host/app//deleted /etc/app rw - ext4 /dev/sda rw']), ['error watch.stale_mount']],
    ['NFS', watched(['2 1 0:2 / /etc/app rw - nfs4 server:/ rw']), ['info watch.no_events', 'ok watch.readable']],
    [
      'NFS, polled as is said',
      watched(['2 1 0:2 / /etc/app rw - nfs4 server:/ rw'], { rule: { mode: 'poll' } }),
      ['ok watch.no_events', 'ok watch.readable'],
    ],
    ['9p', watched(['2 1 0:2 / /etc/app rw - 9p share rw']), ['info watch.no_events', 'ok watch.readable']],
    ['a part of the image', watched([]), ['info watch.image', 'ok watch.readable']],
    ['out of the watched paths', watched([volume], { real: '/usr/share/a' }), ['info watch.outside', 'ok watch.readable']],
    ['a neighbour whose name begins alike', watched([volume], { real: '/etc/app2/a' }), ['info watch.outside', 'ok watch.readable']],
    ['a dangling link', watched([volume], { dangling: ['/etc/app/x'] }), ['warn watch.dangling', 'ok watch.readable']],
    [
      'a mount that hangs',
      { policy, dangling: [], trails: [], reading: { kind: 'unreachable', message: 'x does not answer' } },
      ['error watch.unreachable'],
    ],
    ['files that never hold still', { policy, dangling: [], trails: [], reading: { kind: 'moving' } }, ['warn watch.moving']],
  ])('%s', (_, facts, expected) => {
    const findings = watchedFindings(facts);
    expect(brief(findings)).toEqual(expected);
    for (const { level, remedy, rule } of findings) {
      expect(rule).toBe('/etc/app');
      if (level === 'error' || level === 'warn') expect(remedy).not.toBe('');
    }
  });
  test('read-only is said', () => expect(words(watchedFindings(watched([volume])))).toContain('1 file can be read, mounted read-only'));

  const inotify: Kernel['inotify'] = { maxInstances: 128, maxWatches: 1000, instances: 3, watches: 10, refused: undefined };
  test.each<[string, Partial<Kernel['inotify']>, readonly string[]]>([
    ['enough', {}, ['ok inotify.enough']],
    ['unknown limits', { maxInstances: undefined, maxWatches: undefined }, ['ok inotify.enough']],
    ['no instance', { refused: 'EMFILE' }, ['warn inotify.refused']],
    ['no watches left', { watches: 1000 }, ['warn inotify.watches']],
    ['few instances', { instances: 125 }, ['info inotify.instances']],
  ])('file events: %s', (_, change, expected) => {
    const findings = inotifyFindings({ ...inotify, ...change }, [watched([volume])], false);
    expect(brief(findings)).toEqual(expected);
    if (expected[0] !== 'ok inotify.enough') expect(words(findings)).toContain('fs.inotify.');
  });
  test('file events: those of a running reinit are among those that are counted', () =>
    expect(brief(inotifyFindings({ ...inotify, watches: 1000 }, [watched([volume])], true))).toEqual(['ok inotify.enough']));
  test('file events: nobody needs any', () =>
    expect(inotifyFindings(inotify, [watched([volume], { rule: { mode: 'poll' } })], false)).toEqual([]));
});

describe('PID 1', () => {
  const at = (pid: number, parent: number, comm: string, program = comm): Process => ({
    pid,
    parent,
    comm,
    words: [program],
    startTicks: pid,
  });
  const self: Identity = { uid: 0, gid: 0, groups: [], capabilities: 0n, noNewPrivileges: false };
  const running = { pid: 1, identity: self, own: [], command: [], variables: undefined };
  const base: Processes = {
    all: [at(1, 0, 'reinit')],
    own: 50,
    above: [],
    self,
    proc: 'whole',
    container: true,
    running: undefined,
    inits: 0,
  };
  test.each<[string, Partial<Processes>, boolean, readonly string[]]>([
    ['doctor is PID 1', { own: 1 }, false, ['ok pid1.first']],
    ['reinit is', { running, inits: 1 }, false, ['ok pid1.first']],
    ['/proc hides', { running, inits: 1, proc: 'hidden' }, false, ['info pid1.hidepid', 'ok pid1.first']],
    ['no /proc', { all: [], proc: 'missing' }, false, ['warn pid1.proc']],
    ['a shell around it', { all: [at(1, 0, 'sh', '/bin/sh')], running: { ...running, pid: 7 }, inits: 1 }, false, ['warn pid1.shell']],
    ['tini above it', { all: [at(1, 0, 'tini')], running: { ...running, pid: 7 }, inits: 1 }, false, ['info pid1.init']],
    ['a shared namespace', { all: [at(1, 0, 'pause')], running: { ...running, pid: 7 }, inits: 1 }, false, ['info pid1.shared']],
    ['something above it', { all: [at(1, 0, 'java')], running: { ...running, pid: 7 }, inits: 1 }, false, ['info pid1.below']],
    ['command: replaced it', { all: [at(1, 0, 'nginx')] }, true, ['warn pid1.replaced']],
    ['entrypoint: replaced it', { all: [at(1, 0, 'nginx')] }, false, ['warn pid1.replaced']],
    ['a script of CI', { all: [at(1, 0, 'sh')], above: [at(50, 1, 'node'), at(1, 0, 'sh')] }, false, ['info pid1.none']],
    ['a machine', { all: [at(1, 0, 'systemd')], container: false }, false, ['info pid1.none']],
    ['no container', { all: [at(1, 0, 'xyz')], container: false }, false, ['info pid1.none']],
    ['several', { all: [at(1, 0, 'pause')], inits: 2 }, false, ['info pid1.several']],
    ['nobody that can be seen', { all: [at(50, 0, 'node')] }, false, ['info pid1.none']],
  ])('%s', (_, change, kubernetes, expected) => expect(brief(pid1Findings({ ...base, ...change }, kubernetes))).toEqual(expected));
  test('in a pod it is args: that keeps the ENTRYPOINT', () =>
    expect(words(pid1Findings({ ...base, all: [at(1, 0, 'nginx')] }, true))).toMatch(/nginx.*command: in the pod replaces.*args:/));
});

describe('signals', () => {
  const mask = (...numbers: readonly number[]): string =>
    numbers
      .reduce((bits, n) => bits | (1n << BigInt(n - 1)), 0n)
      .toString(16)
      .padStart(16, '0');
  const application = (caught: readonly number[], ignored: readonly number[] = [], more: Partial<Application> = {}): Application => ({
    pid: 5,
    name: 'app',
    children: 0,
    status: `SigBlk:\t${mask()}\nSigIgn:\t${mask(...ignored)}\nSigCgt:\t${mask(...caught)}\n`,
    threads: [],
    ...more,
  });
  const service = { ...defaultService, watch: [{ ...defaultRule, name: '/r', on_change: 'reload', reload_signal: 1 }] } as const;
  test.each<[string, Application | undefined, readonly string[]]>([
    ['taken', application([1, 15]), ['ok signals.reload', 'ok signals.stop']],
    ['ignored', application([], [1, 15]), ['error signals.reload', 'warn signals.stop']],
    ['not caught', application([]), ['error signals.reload', 'info signals.stop']],
    ['awaited in another thread', application([15], [], { threads: [`SigBlk:\t${mask(1)}\n`] }), ['ok signals.reload', 'ok signals.stop']],
    [
      'a shell with a child',
      application([1, 15], [], { name: 'sh', children: 1 }),
      ['ok signals.reload', 'ok signals.stop', 'warn signals.shell'],
    ],
    ['a shell alone', application([1, 15], [], { name: 'sh' }), ['ok signals.reload', 'ok signals.stop']],
    ['hidden', application([], [], { status: '' }), ['info signals.hidden']],
    ['nothing runs', undefined, []],
  ])('%s', (_, facts, expected) => expect(brief(signalFindings(facts, service))).toEqual(expected));
  test('to the group: the shell is passed by', () =>
    expect(
      brief(signalFindings(application([1, 15], [], { name: 'bash', children: 2 }), { ...service, signal_target: 'group' })),
    ).not.toContain('warn signals.shell'));
  test('stop_signal counts; another container’s application is not stopped', () => {
    expect(words(signalFindings(application([1], [3]), { ...service, stop_signal: 3 }))).toContain('ignores QUIT');
    expect(brief(signalFindings(application([1, 15]), { ...service, stop_signal: 9 }))).toContain('info signals.stop');
    const attach = { match: 'app', name: undefined, pid_file: undefined };
    expect(brief(signalFindings(application([1]), { ...service, attach }))).toEqual(['ok signals.reload']);
  });
});

describe('validators', () => {
  const none: Inherited = { kind: 'read', variables: new Map() };
  const run = (change: Partial<DryRun>): DryRun => ({
    rule: '/r',
    program: 'nginx',
    timeoutMs: 1000,
    groupless: false,
    verdict: { kind: 'accepted' },
    ...change,
  });
  const no = { kind: 'ended', end: { kind: 'code', code: 1 }, words: 'line 1\nline 2' } as const;
  test.each<[string, DryRun, string]>([
    ['accepts', run({}), 'ok validate.accepted'],
    ['says no', run({ verdict: no }), 'error validate.refused'],
    ['says no without its groups', run({ verdict: no, groupless: true }), 'warn validate.refused'],
    ['is killed', run({ verdict: { kind: 'ended', end: { kind: 'signal', signo: 9 }, words: '' } }), 'error validate.failed'],
    ['takes too long', run({ verdict: { kind: 'timed_out', words: '' } }), 'error validate.failed'],
    ['cannot be started', run({ verdict: { kind: 'not_started', stage: 'exec', text: 'No such file' } }), 'error validate.failed'],
    ['gets no copy', run({ verdict: { kind: 'unusable', problem: 'no place' } }), 'error validate.failed'],
  ])('%s', (_, facts, expected) => expect(brief(validatorFindings([facts], none, true))).toEqual([expected]));
  test('its words are the detail', () =>
    expect(validatorFindings([run({ verdict: no })], none, true)[0]).toMatchObject({
      title: 'nginx says no (exit code 1)',
      detail: 'line 1\nline 2',
    }));
  test('not run; variables that cannot be had', () => {
    expect(brief(validatorFindings(undefined, none, false))).toEqual(['info validate.not_run']);
    expect(brief(validatorFindings(undefined, { kind: 'problem', problem: 'x' }, true))).toEqual([
      'error validate.environment',
      'info validate.not_run',
    ]);
    expect(words(validatorFindings(undefined, none, true))).toContain('a user is not known');
  });
  test('what is masked: by name, and long ones out of files; no paths, no words', () => {
    const main = { ...defaultService, environment: { API_TOKEN: 't0k', DIR: '/etc/app', OUT: null } };
    const inherited = new Map([
      ['A', 'a-long-value'],
      ['B', '/a/long/path'],
      ['LEVEL', 'error'],
      ['DB_PASSWORD', '/x'],
    ]);
    expect(secretValues({ PGPASSWORD: 'pg', PWD: '/etc' }, { ...config, services: { main } }, inherited)).toEqual([
      'pg',
      't0k',
      'a-long-value',
      '/x',
    ]);
  });
});

describe('stop', () => {
  test.each<[number | undefined, boolean, string]>([
    [undefined, false, 'ok stop.timeout'],
    [8_000, false, 'ok stop.timeout'],
    [10_000, false, 'warn stop.timeout'],
    [10_000, true, 'ok stop.timeout'],
    [29_000, true, 'warn stop.timeout'],
  ])('%s, in Kubernetes: %s', (stop_timeout, kubernetes, expected) => {
    const findings = stopFindings({ ...defaultService, stop_timeout }, kubernetes);
    expect(brief(findings)).toEqual([expected]);
    if (expected.startsWith('warn'))
      expect(words(findings)).toContain(kubernetes ? 'terminationGracePeriodSeconds: 31' : '--stop-timeout 12');
  });
  test('attached: not ours to stop', () => {
    const attach = { match: undefined, name: undefined, pid_file: undefined };
    expect(stopFindings({ ...defaultService, attach, stop_timeout: 60_000 }, false)).toEqual([]);
  });
});

describe('users', () => {
  const root: Identity = { uid: 0, gid: 0, groups: [], capabilities: 0xffn, noNewPrivileges: false };
  const actor = { text: 'user app (5:5)', uid: 5, gid: 5, groups: [], overrides: false };
  const app: Account = { kind: 'named', user: 'app', ids: { uid: 5, gid: 5, groups: [], home: undefined }, actor };
  const same: Account = { kind: 'same', actor: { ...actor, uid: 0, overrides: true } };
  const accounts = (application: Account, init: Partial<Identity> = {}): Accounts => ({
    init: { ...root, ...init },
    application,
    validators: new Map([['/etc/app', application]]),
  });
  const secret: Watched = {
    policy,
    reading: { kind: 'moving' },
    dangling: [],
    trails: [{ path: '/etc/app/key', trail: [{ path: '/etc/app/key', mode: 0o100400, uid: 0, gid: 0 }] }],
  };
  const findings = (who: Accounts, service = defaultService, watched: readonly Watched[] = []) =>
    userFindings(who, service, watched, new Map([['open files', 4096]]));
  test.each<[string, readonly Finding[], readonly string[]]>([
    ['nobody is named', findings(accounts(same), defaultService, [secret]), []],
    ['unknown', findings(accounts({ kind: 'unknown', user: 'x', problem: 'there is no user "x"' })), ['error user.unknown']],
    ['known', findings(accounts(app)), ['ok user.known']],
    ['without CAP_KILL', findings(accounts(app, { capabilities: 0xc0n })), ['error user.capabilities']],
    ['it is the container’s own', findings(accounts(app, { uid: 5, gid: 5, capabilities: 0n })), ['ok user.known']],
    ['it cannot read a Secret', findings(accounts(app), defaultService, [secret]), ['ok user.known', 'warn user.reads']],
    [
      'a limit beyond the container’s',
      findings(accounts(same, { capabilities: 0n }), { ...defaultService, limits: { nofile: '1024:8192' } }),
      ['error user.limits'],
    ],
    ['unlimited', findings(accounts(same), { ...defaultService, limits: { nofile: 'unlimited' } }), ['error user.limits']],
    ['within it', findings(accounts(same), { ...defaultService, limits: { nofile: '4096', cpu: '1' } }), []],
  ])('%s', (_, found, expected) => expect(brief(found)).toEqual(expected));
  test('every limit is known by its name in /proc/self/limits', () => {
    const nothing = parseLimits(readFileSync('/proc/self/limits', 'utf8').replaceAll(/ (unlimited|\d+)/g, ' 0'));
    const asked = Object.fromEntries(resources.map((name) => [name, '1']));
    const found = userFindings(accounts(same, { capabilities: 0n }), { ...defaultService, limits: asked }, [], nothing);
    expect(found.map(({ title }) => /^limits: (\w+) is/.exec(title)?.[1])).toEqual(resources);
  });
  test('the mode and the remedy are said', () =>
    expect(words(findings(accounts(app), defaultService, [secret]))).toMatch(/cannot read \/etc\/app\/key.*0400, of 0:0.*fsGroup: 5/));
});

describe('programs', () => {
  const trail = (mode: number) => [
    { path: '/', mode: 0o755, uid: 0, gid: 0 },
    { path: '/x', mode, uid: 0, gid: 0 },
  ];
  const actor = { text: 'user 5:5', uid: 5, gid: 5, groups: [], overrides: false };
  const good: Program = { file: '/x', trail: trail(0o755), content: { kind: 'elf', machine: 'x64', loader: undefined }, interpreted: true };
  const named = (change: Partial<Program>): Named => ({
    setting: 'validate',
    rule: '/r',
    name: 'x',
    account: { kind: 'same', actor },
    program: { ...good, ...change },
  });
  const find = (change: Partial<Program>, service = defaultService) => programFindings([named(change)], service, true, 'x64');
  const script = (more: object) => ({ kind: 'script', interpreter: '/bin/bash', crlf: false, ...more }) as const;
  test.each<[string, Partial<Program>, RegExp]>([
    ['is not there', { file: undefined }, /there is no x in PATH/],
    ['may not be executed', { trail: trail(0o644) }, /may not execute \/x.*0644.*chmod/],
    ['Windows line ends', { content: script({ crlf: true }), interpreted: false }, /Windows line ends.*carriage return.*sed/],
    ['no interpreter', { content: script({}), interpreted: false }, /asks for \/bin\/bash, which is not there/],
    ['no first line', { content: { kind: 'other' } }, /neither a program nor a script/],
    ['another machine', { content: { kind: 'elf', machine: 'arm64', loader: undefined } }, /for arm64, and this machine is x64/],
    [
      'another C library',
      { content: { kind: 'elf', machine: 'x64', loader: '/lib/ld-musl.so' }, interpreted: false },
      /loader \/lib\/ld-musl.so/,
    ],
  ])('%s', (_, change, expected) => {
    const findings = find(change);
    expect(brief(findings)).toEqual(['error program.start']);
    expect(words(findings)).toMatch(expected);
  });
  test('fine; the same program once; i386 on x86-64', () => {
    expect(brief(find({}))).toEqual(['ok program.start']);
    expect(programFindings([named({}), named({})], defaultService, true, 'x64')).toHaveLength(1);
    expect(brief(find({ content: { kind: 'elf', machine: 'ia32', loader: undefined } }))).toEqual(['ok program.start']);
  });
  test('set-user-ID that no_new_privileges takes away; no working directory', () => {
    expect(brief(find({ trail: trail(0o4755) }, { ...defaultService, no_new_privileges: true }))).toEqual(['warn program.setuid']);
    expect(brief(find({ trail: trail(0o4755) }))).toEqual(['ok program.start']);
    expect(brief(programFindings([], { ...defaultService, working_dir: '/no' }, false, 'x64'))).toEqual(['error program.working_dir']);
  });
});

describe('places', () => {
  const usual = [
    { path: '/run', writable: false },
    { path: '/tmp', writable: true },
  ];
  const places = { state: undefined, published: [], usual, control: undefined, terminationLog: 'none', output: undefined } as const;
  const actor = { text: 'user 5:5', uid: 5, gid: 5, groups: [], overrides: false };
  const find = (facts: Places, of: Config) => placeFindings(facts, of, { kind: 'same', actor });
  const main = { ...defaultService, watch: [{ ...defaultRule, validate: [['check', '{{snapshot}}']] }] };
  test('a problem is told in its own words', () => {
    const problem = 'state_dir: /s cannot be written: read-only file system; mount an emptyDir there, or choose another';
    const [finding] = find({ ...places, state: { path: '/s', problem } }, config);
    expect(finding).toMatchObject({
      level: 'error',
      title: 'state_dir: /s cannot be written: read-only file system',
      remedy: 'mount an emptyDir there, or choose another',
    });
  });
  test('nowhere: an error only where copies need it', () => {
    const nowhere = { ...places, usual: [{ path: '/run', writable: false }] };
    expect(brief(find(places, config))).toEqual(['ok write.private']);
    expect(brief(find(nowhere, config))).toEqual(['info write.private']);
    expect(brief(find(nowhere, { ...config, services: { main } }))).toEqual(['error write.private']);
    for (const control_socket of ['off', '/x/socket'])
      expect(brief(find(nowhere, { ...config, services: { main: { ...defaultService, control_socket } } }))).toEqual(['ok write.private']);
  });
  test('a control socket whose path was set', () => {
    expect(brief(find({ ...places, control: { path: '/x', writable: false } }, config))).toContain('warn write.control');
    expect(brief(find({ ...places, control: { path: '/x', writable: true } }, config))).toContain('ok write.control');
  });
  test.each<[string, boolean, number, string]>([
    ['its own', true, 0o755, 'ok write.output'],
    ['read-only', false, 0o755, 'warn write.output'],
    ['of a mode that lets it look only', true, 0o555, 'warn write.output'],
  ])('the directory of output.file: %s', (_, writable, mode, expected) => {
    const output = { path: '/log', writable, trail: [{ path: '/log', mode, uid: 5, gid: 5 }] };
    expect(brief(find({ ...places, output }, config))).toContain(expected);
  });
  test('termination log', () => {
    expect(brief(find({ ...places, terminationLog: 'refused' }, config))).toContain('warn write.termination_log');
    expect(brief(find({ ...places, terminationLog: 'writable' }, config))).toContain('ok write.termination_log');
  });
});

describe('resources', () => {
  const kernel: Kernel = {
    inotify: { maxInstances: 1, maxWatches: 1, instances: 0, watches: 0, refused: undefined },
    memoryLimit: undefined,
    pidsLimit: undefined,
    pidsUsed: undefined,
    limits: new Map(),
    preload: undefined,
  };
  test.each<[string, Partial<Kernel>, boolean, readonly string[]]>([
    ['no limits', {}, false, ['ok resources.memory', 'ok resources.pids']],
    ['16 MiB', { memoryLimit: 16 * 2 ** 20 }, false, ['error resources.memory', 'ok resources.pids']],
    ['48 MiB', { memoryLimit: 48 * 2 ** 20 }, false, ['warn resources.memory', 'ok resources.pids']],
    ['64 MiB', { memoryLimit: 64 * 2 ** 20 }, false, ['ok resources.memory', 'ok resources.pids']],
    ['8 processes', { pidsLimit: 8 }, false, ['ok resources.memory', 'error resources.pids']],
    ['24 processes', { pidsLimit: 24, pidsUsed: 20 }, false, ['ok resources.memory', 'ok resources.pids']],
    ['24 processes, of which one is left', { pidsLimit: 24, pidsUsed: 23 }, true, ['ok resources.memory', 'error resources.pids']],
    ['a preload', { preload: { libraries: 1, missing: 0 } }, false, ['ok resources.memory', 'ok resources.pids', 'info resources.preload']],
    [
      'a preload of nothing',
      { preload: { libraries: 2, missing: 1 } },
      false,
      ['ok resources.memory', 'ok resources.pids', 'warn resources.preload'],
    ],
  ])('%s', (_, change, running, expected) => expect(brief(resourceFindings({ ...kernel, ...change }, running))).toEqual(expected));
});
