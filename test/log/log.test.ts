import { describe, expect, test } from 'vitest';
import type { Note, Refusal, Sequel } from '../../src/core/notes.ts';
import { wordsOf } from '../../src/core/words.ts';
import { lineOf, type Names } from '../../src/log/lines.ts';
import { createLog } from '../../src/log/log.ts';
import { pinoBackend } from '../../src/log/pino.ts';
import { createSink } from '../../src/log/sink.ts';
import { readable } from '../../src/log/text.ts';

const again = (): never => {
  throw Object.assign(new Error('full'), { code: 'EAGAIN' });
};

/** A pipe of so many bytes, and its reader. */
function pipe(size: number) {
  let [held, out] = [0, ''];
  return {
    write(bytes: Buffer): number {
      const room = size - held;
      if (room === 0) return again();
      const count = Math.min(room, bytes.length);
      held += count;
      out += bytes.subarray(0, count).toString();
      return count;
    },
    read() {
      held = 0;
      return out;
    },
  };
}

describe('sink', () => {
  const droppedLine = (count: number): string => `${count} dropped\n`;

  test('a full pipe loses nothing that fits into memory, and cuts no line', async () => {
    const { write, read } = pipe(10);
    const sink = createSink({ writeSome: write, droppedLine });
    const lines = Array.from({ length: 30 }, (_, n) => `line ${n} ${'x'.repeat(n)}\n`);
    for (const line of lines) sink.write(line);
    await expect.poll(read, { timeout: 30_000, interval: 5 }).toBe(lines.join(''));
  });

  test('what does not fit is dropped whole, counted, and told when there is room again', async () => {
    const { write, read } = pipe(20);
    const sink = createSink({ writeSome: write, droppedLine, maxBytes: 50 });
    for (let n = 0; n < 20; n += 1) sink.write(`line number ${n}\n`);
    await expect.poll(read, { timeout: 30_000, interval: 5 }).toMatch(/\n1\d dropped\n$/);
    const lines = read().trim().split('\n');
    expect(lines.slice(0, -1).every((line) => /^line number \d+$/.test(line))).toBe(true);
    expect(lines.length - 1 + Number.parseInt(lines.at(-1) ?? '', 10)).toBe(20);
  });

  test('a reader that is gone ends nothing', () => {
    const sink = createSink({
      writeSome: () => {
        throw Object.assign(new Error('gone'), { code: 'EPIPE' });
      },
      droppedLine,
    });
    expect(() => sink.write('x\n')).not.toThrow();
  });

  test('drain waits, and not for ever', () => {
    const sink = createSink({ writeSome: again, droppedLine });
    sink.write('x\n');
    const began = performance.now();
    sink.drain(30);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('log', () => {
  const collect = () => {
    const out: string[] = [];
    return { out, write: (bytes: Buffer) => out.push(bytes.toString()) && bytes.length };
  };

  test('lines before pino wait for it and come first, in one form', () => {
    const { out, write } = collect();
    const log = createLog(write);
    log.say('info', 'early', { event: 'x' });
    expect(out).toEqual([]);
    log.use(pinoBackend('info'));
    log.say('warn', 'late', { event: 'y' });
    log.say('debug', 'not at all');
    const [early, late] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(out).toHaveLength(2);
    expect(early).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), name: 'reinit', event: 'x', msg: 'early' });
    expect(late).toMatchObject({ level: 'warn', msg: 'late' });
  });

  test('where the end comes first they are written without pino, in the same form', () => {
    const { out, write } = collect();
    const log = createLog(write);
    log.say('debug', 'not at all');
    log.say('error', 'early', { event: 'x' });
    log.drain();
    expect(out).toHaveLength(1);
    expect(JSON.parse(out[0] ?? '')).toEqual({
      level: 'error',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      name: 'reinit',
      event: 'x',
      msg: 'early',
    });
  });

  test('as text for a terminal', () => {
    const { out, write } = collect();
    const log = createLog(write);
    log.configure({ text: true, level: 'info' });
    log.use(pinoBackend('info'));
    log.say('error', 'refused', { output: 'nginx: [emerg]\nline 2' });
    expect(out[0]).toMatch(/^reinit \d\d:\d\d:\d\d\.\d{3} ✗ refused\n {4}\| nginx: \[emerg\]\n {4}\| line 2\n$/);
    expect(readable('no JSON\n')).toBe('no JSON\n');
    expect(readable(JSON.stringify({ level: 'info', time: '', msg: 'a\u001b[31m', output: 'b\u009b1m' }))).toBe(
      'reinit    a?[31m\n    | b?1m\n',
    );
  });

  test('pino touches neither stdout nor stderr of this process', () => {
    const { write } = collect();
    const touched: string[] = [];
    const saved = ['stdout', 'stderr'].map((name) => [name, Object.getOwnPropertyDescriptor(process, name) ?? {}] as const);
    for (const [name] of saved) Object.defineProperty(process, name, { configurable: true, get: () => touched.push(name) });
    try {
      const log = createLog(write);
      log.use(pinoBackend('info'));
      log.say('info', 'x');
    } finally {
      for (const [name, descriptor] of saved) Object.defineProperty(process, name, descriptor);
    }
    expect(touched).toEqual([]);
  });
});

describe('lines', () => {
  const names: Names = {
    command: 'nginx',
    attached: false,
    configFile: '/etc/reinit.yaml',
    validator: () => 'nginx',
    validateTimeout: () => 30_000,
    action: () => 'ctl',
    actionTimeout: () => 5_000,
  };
  const end = { kind: 'code', code: 1 } as const;
  const samples: { readonly [K in Note['kind']]: [Extract<Note, { kind: K }>, RegExp] } = {
    asked: [{ kind: 'asked', rule: 'r', verb: 'rollback' }, /r: rollback was asked for/],
    asked_of_application: [{ kind: 'asked_of_application', verb: 'signal', signo: 1 }, /HUP to nginx was asked for/],
    asked_signal: [{ kind: 'asked_signal', signo: 1, result: 'sent' }, /HUP to nginx: sent/],
    checked: [{ kind: 'checked', rule: 'r', hash: 'bb', step: 0, verdict: { kind: 'accepted' } }, /bb of r is valid \(asked for/],
    started: [{ kind: 'started', pid: 7, reason: 'change', ms: 3 }, /started nginx on the changed configuration, pid 7/],
    start_failed: [
      { kind: 'start_failed', stage: 'exec', text: 'No such file', code: 127 },
      /cannot start nginx: No such file \(stage: exec\)/,
    ],
    ended: [
      { kind: 'ended', end: { kind: 'signal', signo: 11 }, ranMs: 1500, ordered: false },
      /nginx ended by itself after 1.5s: signal SEGV/,
    ],
    swept: [{ kind: 'swept', killed: 2 }, /2 left-over/],
    restart_scheduled: [{ kind: 'restart_scheduled', delayMs: 400, attempt: 3 }, /restart 3 of nginx in 400ms/],
    gave_up: [{ kind: 'gave_up', attempts: 5 }, /5 times in a row.*giving up/],
    restarting: [{ kind: 'restarting', signo: 15, timeoutMs: 30_000 }, /restarting nginx: sent TERM, KILL after 30s/],
    container_stop: [{ kind: 'container_stop', signo: 15 }, /TERM stops the container/],
    leaving: [{ kind: 'leaving', code: 3 }, /leaving with 3/],
    change_seen: [
      { kind: 'change_seen', rule: 'r', from: 'aa', to: 'bb', difference: { files: ['/a', '/b'], more: 3 } },
      /change seen in r \(\/a, \/b and 3 more\): aa → bb/,
    ],
    back: [{ kind: 'back', rule: 'r', hash: 'aa' }, /r is back/],
    refused: [
      { kind: 'refused', rule: 'r', hash: 'bb', running: 'aa', step: 0, verdict: { kind: 'ended', end, words: 'no' } },
      /refused: nginx says no \(exit code 1\); the application keeps running on aa/,
    ],
    applied: [{ kind: 'applied', rule: 'r', hash: 'bb', how: 'reload', ms: 3010 }, /change bb of r applied: reloaded, 3.01s/],
    signalled: [{ kind: 'signalled', rule: 'r', signo: 1, hash: 'bb' }, /sent HUP/],
    signal_waits: [{ kind: 'signal_waits', rule: 'r', signo: 1, why: 'not_caught' }, /does not take HUP yet \(it has no handler/],
    signal_refused: [{ kind: 'signal_refused', rule: 'r', signo: 1, hash: 'bb' }, /CAP_KILL/],
    falls_to_restart: [{ kind: 'falls_to_restart', rule: 'r', signo: 1, why: 'ignored' }, /ignores HUP: applying by restart/],
    reload_failed: [{ kind: 'reload_failed', rule: 'r', hash: 'bb', signo: 1, afterMs: 20 }, /ended 20ms after HUP/],
    not_signalled: [
      { kind: 'not_signalled', rule: 'r', signo: 1, hash: 'bb', why: 'killed_before' },
      /bb of r not applied: the application does not survive HUP, and reinit cannot restart what another container runs/,
    ],
    target_awaited: [
      { kind: 'target_awaited', problem: '/run/x.pid cannot be read (ENOENT)', waitedMs: 300_000 },
      /waiting for nginx \(attach\): \/run\/x\.pid cannot be read \(ENOENT\)\. It has not been seen for 5m: .*share its process namespace/,
    ],
    target_ambiguous: [
      { kind: 'target_ambiguous', processes: ['7 (nginx)', '9 (nginx)'] },
      /could be each of 7 \(nginx\), 9 \(nginx\): none is touched/,
    ],
    target_alone: [{ kind: 'target_alone' }, /not shared\. In Kubernetes set shareProcessNamespace: true.*--pid container:NAME/],
    attach_failed: [{ kind: 'attach_failed', pid: 7, text: 'No such process' }, /cannot take hold of nginx, pid 7: No such process/],
    attached: [{ kind: 'attached', pid: 7, ageMs: 1500 }, /attached to nginx, pid 7, which runs for 1.5s/],
    target_not_permitted: [{ kind: 'target_not_permitted', pid: 7 }, /may not signal nginx, pid 7.*runAsUser.*KILL/],
    target_ended: [{ kind: 'target_ended', pid: 7, ranMs: 1500 }, /nginx, pid 7, has ended after 1.5s/],
    config_changed: [{ kind: 'config_changed', from: 'aa', to: 'bb', restart: ['user'] }, /\/etc\/reinit\.yaml.*aa → bb\. It is valid/],
    config_refused: [
      { kind: 'config_refused', hash: 'bb', running: 'aa', words: 'reinit.yaml:3: no' },
      /change bb of \/etc\/reinit\.yaml.*refused; aa stays in force/,
    ],
    config_back: [{ kind: 'config_back', hash: 'aa' }, /\/etc\/reinit\.yaml is back at what is in force \(aa\)/],
    config_taken_over: [
      { kind: 'config_taken_over', hash: 'bb', restart: ['user', 'limits'], when: 'next_start' },
      /bb is in force; user, limits will count from the next start of nginx \(on_config_change\)/,
    ],
    config_went_back: [
      { kind: 'config_went_back', from: 'bb', to: 'aa', problem: 'it ended' },
      /bb is taken back, aa is in force again: nginx was restarted for it, and it ended/,
    ],
    restart_failed: [
      { kind: 'restart_failed', rule: 'r', hash: 'bb', problem: undefined },
      /restart for bb of r failed: the application did not stay up\. A validator \(validate\)/,
    ],
    unconfirmed: [
      { kind: 'unconfirmed', rule: 'r', hash: 'bb', how: 'reload', problem: 'no answer', ms: 10_000, sequel: 'again' },
      /bb of r: the reload was not confirmed within 10s \(confirm_by, confirm\): no answer\. It is tried again\.$/,
    ],
    action_failed: [
      {
        kind: 'action_failed',
        rule: 'r',
        hash: 'bb',
        how: 'exec',
        step: 0,
        verdict: { kind: 'timed_out', words: '' },
        sequel: 'keep',
      },
      /the action for bb of r failed \(exec\): ctl timed out after 5s \(exec_timeout\) and was killed\. The application is left as it is/,
    ],
    restarts_instead: [
      { kind: 'restarts_instead', rule: 'r', hash: 'bb' },
      /bb of r is applied by a restart instead \(on_failure: restart\)/,
    ],
    rolled_back: [
      { kind: 'rolled_back', rule: 'r', from: 'bb', to: 'aa', why: 'ended' },
      /r goes back from bb to aa, the last good one: the application did not stay up on the new one\. bb is tried again only/,
    ],
    back_on_good: [{ kind: 'back_on_good', rule: 'r', hash: 'aa', how: 'none' }, /r is back on aa: that is what the next start finds/],
    rollback_failed: [
      { kind: 'rollback_failed', rule: 'r', problem: 'publish.to: /p is full' },
      /did not work either: publish\.to: \/p is full\..*Correct the files/,
    ],
    good: [{ kind: 'good', rule: 'r', hash: 'bb' }, /bb of r is good: .*good_after/],
    starts_on_good: [
      { kind: 'starts_on_good', rule: 'r', hash: 'aa', refused: 'bb' },
      /starting on aa of r, the last good one: bb was not accepted\. Correct/,
    ],
    not_staged: [
      { kind: 'not_staged', rule: 'r', hash: 'bb', problem: 'snapshot: no space' },
      /change bb of r cannot be checked: snapshot: no space\. It is tried again/,
    ],
    publish_failed: [
      { kind: 'publish_failed', rule: 'r', hash: 'bb', problem: 'publish.to: no space' },
      /change bb of r not applied: publish\.to: no space\. It is tried again/,
    ],
    draining: [{ kind: 'draining', rule: 'r', count: 1, most: 0 }, /r waits: 1 old worker of the application .* max_draining \(0\)/],
    loop_held: [
      { kind: 'loop_held', rule: 'r', times: 5, forMs: 60_000 },
      /r has changed 5 times in a row right after it was applied: .*Held for 1m.*\(exclude\)/,
    ],
    loop_over: [{ kind: 'loop_over', rule: 'r' }, /r changes without our doing, too: no longer held/],
    stale: [{ kind: 'stale', rule: 'r', code: 75 }, /leaving with 75 \(on_stale_mount: exit\)/],
    output_file: [
      { kind: 'output_file', trouble: { stage: 'write', text: 'No space left on device' } },
      /output is in trouble \(output\.file\): No space left on device \(stage: write\)\. Nothing is lost/,
    ],
    socket_failed: [
      { kind: 'socket_failed', name: 'http', stage: 'bind', text: 'Address already in use' },
      /cannot listen on http \(sockets\): Address already in use \(stage: bind\)/,
    ],
    nothing_accepted: [
      { kind: 'nothing_accepted', rules: ['r', 's'] },
      /nginx is not started: what r and s holds? .*Correct the files.*state_dir/,
    ],
    not_published: [
      { kind: 'not_published', problem: 'publish.to: no space', retryMs: 1_000 },
      /nginx is not started: publish\.to: no space\. Trying again in 1s/,
    ],
    ready: [{ kind: 'ready', ms: 1_200 }, /nginx is ready, 1\.2s after its start/],
    not_alive: [
      { kind: 'not_alive', problem: 'connection to 127.0.0.1:80 refused', silentMs: 31_000, sequel: 'leave' },
      /31s: connection to .* refused\. It is stopped, and the container ends with 104/,
    ],
    over_memory: [
      { kind: 'over_memory', bytes: 600 * 2 ** 20, limit: 512 * 2 ** 20, processes: 3, ranMs: 60_000, sequel: 'restart' },
      /holds 600MiB in 3 processes after 1m, more than memory_limit, 512MiB: it is restarted/,
    ],
    memory_unknown: [{ kind: 'memory_unknown', problem: 'there is no /proc' }, /cannot be known \(memory_limit\): there is no \/proc/],
    renewing: [{ kind: 'renewing', ranMs: 86_400_000 }, /has run for 24h: it is started anew \(max_uptime\)/],
    serving: [{ kind: 'serving', ms: 1_500 }, /serves \(readiness\), after 1\.5s/],
    not_serving: [{ kind: 'not_serving', problem: '… answered 503', ms: 61_000 }, /does not serve any more.*503.*left running/],
    not_ready: [
      { kind: 'not_ready', problem: 'refused', ms: 30_000 },
      /nginx is not ready after 30s \(ready\): refused\. It is left running/,
    ],
    starting_beside: [{ kind: 'starting_beside' }, /a second nginx .*start_first/],
    took_over: [{ kind: 'took_over', pid: 9, reason: 'uptime', ms: 800 }, /the new nginx, pid 9, has taken over 800ms/],
    beside_failed: [
      { kind: 'beside_failed', problem: 'ended before it was ready: exit code 1' },
      /the new nginx ended before it was ready: exit code 1\. The old one goes on/,
    ],
    came_up_on_refused: [{ kind: 'came_up_on_refused', rule: 'r', hash: 'bb' }, /started on bb/],
    held_back: [{ kind: 'held_back', rule: 'r', hash: 'bb', by: 's' }, /waits: .* s, whose/],
    unsettled: [{ kind: 'unsettled', rule: 'r' }, /settles/],
    unreadable: [{ kind: 'unreadable', rule: 'r' }, /cannot be read/],
  };

  test.each(Object.entries(samples))('%s', (kind, [note, expected]) => {
    const { msg, fields } = lineOf(note, names);
    expect(msg).toMatch(expected);
    expect(fields.event).toBe(kind);
    expect(msg).not.toContain('\n');
  });

  test('a name that a terminal would obey is one that it shows', () => {
    const difference = { files: ['/etc/nginx/\u001b[31mevil\nname'], more: 0 };
    const { msg } = lineOf({ kind: 'change_seen', rule: '/etc/nginx', from: 'aa', to: 'bb', difference }, names);
    expect(msg).toContain('(?[31mevil?name)');
  });

  test('files are named from the rule’s path on, others whole', () => {
    const difference = { files: ['/etc/nginx/conf.d/a.conf', '/etc/nginx2/b'], more: 0 };
    const line = lineOf({ kind: 'change_seen', rule: '/etc/nginx', from: 'aa', to: 'bb', difference }, names);
    expect(line.msg).toBe('change seen in /etc/nginx (conf.d/a.conf, /etc/nginx2/b): aa → bb');
    expect(line.fields.files).toEqual(difference.files);
  });

  test('one is one', () => {
    expect(lineOf({ kind: 'swept', killed: 1 }, names).msg).toMatch(/^1 left-over process of/);
    expect(lineOf({ kind: 'draining', rule: 'r', count: 2, most: 1 }, names).msg).toContain('2 old workers');
  });

  test('a restart after which it was not ready reads as a sentence', () => {
    const note = { kind: 'restart_failed', rule: 'r', hash: 'b', problem: 'was not ready in time: connection refused' } as const;
    expect(lineOf(note, names).msg).toContain(
      'the application was not ready in time: connection refused. These files are tried again only if',
    );
  });

  test('what follows a failed action is told once: here, or by a line of its own', () => {
    const base = { kind: 'unconfirmed', rule: 'r', hash: 'b', how: 'http', problem: 'no', ms: 1_000 } as const;
    const told = (sequel: Sequel): string => lineOf({ ...base, sequel }, names).msg;
    expect(told('keep')).toMatch(/left as it is \(on_failure\)/);
    expect(told('restart')).toMatch(/: no$/);
    expect(told('rollback')).toMatch(/: no$/);
  });

  test('variables are no files: what is wrong with them is not said to be the setting of a rule', () => {
    const refused = (verdict: Refusal) => lineOf({ kind: 'refused', rule: 'env_from', hash: 'b', running: 'a', step: 0, verdict }, names);
    const problem = 'env_from: /etc/app.env, line 2: there is no name before the `=`';
    const unusable = refused({ kind: 'unusable', problem });
    expect(unusable.msg).toBe(
      `change b of env_from refused: ${problem}; the application keeps running on a. Correct the files: the next change is checked again.`,
    );
    expect(unusable.fields.validator).toBeUndefined();
    expect(refused({ kind: 'not_started', stage: 'exec', text: 'No such file' }).msg).toContain('look at the validator (env_validate)');
  });

  test('a start that failed says where to look', () => {
    const failed = (stage: string, code: number): string => lineOf({ kind: 'start_failed', stage, text: 'No such file', code }, names).msg;
    expect(failed('exec', 127)).toMatch(/PATH\?$/);
    expect(failed('exec', 126)).toMatch(/executable/);
    expect(failed('cwd', 126)).toMatch(/working_dir/);
    expect(failed('interpreter', 126)).toMatch(/first line/);
  });

  test('an application that ended at once ran 0ms', () => {
    expect(lineOf({ kind: 'ended', end, ranMs: 0, ordered: false }, names).msg).toContain('after 0ms:');
  });

  test('the advice is about what was at fault', () => {
    const advice = (verdict: Refusal): string =>
      lineOf({ kind: 'refused', rule: 'r', hash: 'b', running: undefined, step: 0, verdict }, names).msg;
    expect(advice({ kind: 'ended', end, words: '' })).toContain('Correct the files');
    for (const verdict of [
      { kind: 'ended', end: { kind: 'signal', signo: 9 }, words: '' },
      { kind: 'timed_out', words: '' },
      { kind: 'not_started', stage: 'exec', text: 'No such file' },
    ] as const) {
      expect(advice(verdict)).toContain('look at the validator');
      expect(advice(verdict)).not.toContain('Correct the files');
    }
  });

  test('a validator that hangs or is missing is named as such', () => {
    const refused = (verdict: object): string =>
      lineOf({ kind: 'refused', rule: 'r', hash: 'b', running: undefined, step: 0, verdict } as Note, names).msg;
    expect(refused({ kind: 'timed_out', words: '' })).toContain('timed out after 30s');
    expect(refused({ kind: 'not_started', stage: 'exec', text: 'No such file' })).toContain(
      'cannot be started: No such file (stage: exec)',
    );
    expect(refused({ kind: 'ended', end: { kind: 'signal', signo: 11 }, words: '' })).toContain('ended by signal SEGV');
  });
});

describe('a program’s words', () => {
  test('control characters and colours do not reach the log, UTF-8 and lines do', () => {
    const words = Buffer.from('\u001b[31mérror\u001b[0m\u0007\r\n\tline 2 \u001b]0;title\u0007\u0000\n');
    expect(wordsOf(words, words.length)).toBe('érror\n\tline 2 ]0;title');
  });

  test('a flood is bounded, and its size told', () => {
    const words = wordsOf(Buffer.from('a'.repeat(16_384)), 5_000_000);
    expect(words.length).toBeLessThan(2_100);
    expect(words).toContain('5000000 bytes in all');
  });

  test('bytes that are no UTF-8 are no error', () => {
    expect(wordsOf(Buffer.from([0xff, 0xfe, 0x41]), 3)).toContain('A');
  });
});
