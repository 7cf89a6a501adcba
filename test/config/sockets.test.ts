import { describe, expect, test } from 'vitest';
import type { SocketSpec } from '../../src/config/model.ts';
import { loadMain, problems, refused } from './support.ts';

const tcp = (host: string, port: number, more: Partial<SocketSpec> = {}): SocketSpec => ({
  name: String(port),
  address: { kind: 'tcp', host, port },
  backlog: 4096,
  reuse_port: false,
  ...more,
});
const unix = (name: string, path: string, mode = 0o666): SocketSpec => ({
  name,
  address: { kind: 'unix', path, mode },
  backlog: 4096,
  reuse_port: false,
});

describe('good forms', () => {
  const rows: readonly [string, readonly SocketSpec[]][] = [
    ['8080', [tcp('0.0.0.0', 8080)]],
    ['[8080]', [tcp('0.0.0.0', 8080)]],
    ['127.0.0.1:8080', [tcp('127.0.0.1', 8080)]],
    ['["[::]:8080"]', [tcp('::', 8080)]],
    ['["tcp://[::1]:1", "tcp:2"]', [tcp('::1', 1), tcp('0.0.0.0', 2)]],
    ['/run/app.sock', [unix('app.sock', '/run/app.sock')]],
    ['["unix:/run/a", "unix:///run/b"]', [unix('a', '/run/a'), unix('b', '/run/b')]],
    [
      '[{name: http, listen: 80, backlog: 16, reuse_port: true}, {listen: /run/x.sock, mode: 0600}]',
      [tcp('0.0.0.0', 80, { name: 'http', backlog: 16, reuse_port: true }), unix('x.sock', '/run/x.sock', 0o600)],
    ],
    [
      '[{name: a, listen: 80, reuse_port: true}, {name: b, listen: 80, reuse_port: true}]',
      [tcp('0.0.0.0', 80, { name: 'a', reuse_port: true }), tcp('0.0.0.0', 80, { name: 'b', reuse_port: true })],
    ],
    ['[]', []],
  ];
  test.each(rows)('%s', (text, expected) => expect(loadMain({ yaml: `sockets: ${text}` }).sockets).toStrictEqual(expected));

  test('flags and a variable', () => {
    expect(loadMain({ argv: ['--sockets', '80', '--sockets=[::1]:81'] }).sockets).toStrictEqual([tcp('0.0.0.0', 80), tcp('::1', 81)]);
    expect(loadMain({ env: { REINIT_SOCKETS: '80,/run/x' } }).sockets).toStrictEqual([tcp('0.0.0.0', 80), unix('x', '/run/x')]);
  });
});

describe('bad forms', () => {
  const port = 'its port is missing, or not from 1 to 65535';
  const number = 'its host is not an address in numbers: names are not looked up here';
  const brackets = 'write an IPv6 address in brackets, and only that: [::1]:8080';
  const path = 'its path is not an absolute one of a file';
  const rows: readonly [string, string][] = [
    ['banana', `sockets: ${port}`],
    ['[banana]', `sockets[0]: ${port}`],
    ['[0]', `sockets[0]: ${port}`],
    ['[65536]', `sockets[0]: ${port}`],
    ['["127.0.0.1:"]', `sockets[0]: ${port}`],
    ['["localhost:80"]', `sockets[0]: ${number}`],
    ['["*:80"]', `sockets[0]: ${number}`],
    ['[":80"]', `sockets[0]: ${number}`],
    ['["[fe80::1%eth0]:80"]', `sockets[0]: ${number}`],
    ['["::1:80"]', `sockets[0]: ${brackets}`],
    ['["[127.0.0.1]:80"]', `sockets[0]: ${brackets}`],
    ['["unix:run/x"]', `sockets[0]: ${path}`],
    ['[/run/]', `sockets[0]: ${path}`],
    [`[/${'x'.repeat(107)}]`, 'sockets[0]: its path is longer than 107 bytes, the most that the kernel takes'],
    ['["/run/a b"]', 'sockets[0]: the last part of its path cannot be its name: give it one with name'],
    ['[null]', 'sockets[0]: it has no value'],
    ['', 'sockets: it has no value'],
    ['{listen: 80}', 'sockets: it is a mapping'],
    ['[[80]]', 'sockets[0]: it is a list'],
    ['[{}]', 'sockets[0]: listen is missing'],
    ['[{listen: 80, name: "a:b"}]', 'sockets[0].name: it is not 1 to 64 plain characters, without : and spaces'],
    [`[{listen: 80, name: ${'x'.repeat(65)}}]`, 'sockets[0].name: it is not 1 to 64 plain characters, without : and spaces'],
    ['[{listen: 80, mode: 0600}]', 'sockets[0].mode: only a Unix socket has one'],
    ['[{listen: /x, mode: 999}]', 'sockets[0].mode: it is not such a number'],
    ['[{listen: /x, reuse_port: true}]', 'sockets[0].reuse_port: a Unix socket cannot be shared so'],
    ['[{listen: 80, backlog: 0}]', 'sockets[0].backlog: it is out of range'],
    ['["127.0.0.1:80", "[::1]:80"]', 'sockets[1]: another socket has this name: give it one of its own with name'],
    ['[80, {name: b, listen: "0.0.0.0:80"}]', 'sockets[1]: another socket has this address'],
    [`[${Array.from({ length: 17 }, (_, index) => index + 1).join(',')}]`, 'sockets: there are more than 16'],
  ];
  test.each(rows)('sockets: %s', (text, problem) => expect(problems(`sockets: ${text}`)).toEqual([problem]));

  test.each([
    ['[{ListenStream: 80, listen: 81}]', /name for it is listen/],
    ['[{port: 80, listen: 81}]', /part of listen/],
    ['[{lsten: 80, listen: 81}]', /did you mean listen/],
    ['[{reusePort: true, listen: 81}]', /it is spelled reuse_port/],
  ])('%s is explained', (text, hint) => expect(refused({ yaml: `sockets: ${text}` }).mistakes[0]?.hint).toMatch(hint));
});
