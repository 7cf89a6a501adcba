import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { endDriven } from '../fixtures/init/controller.ts';
import { output } from '../fixtures/init/effects.ts';
import { expectSame, json, lines, numbered, prefixed, removeScratch, scratch, shell, written } from '../fixtures/init/output.ts';

afterAll(removeScratch);
afterEach(endDriven);

describe('text', () => {
  it('gives each line of each stream its prefix, and a last line without an end one', async () => {
    const script = `printf 'one\\n\\ntwo'; printf ' and more\\n'; printf 'wrong\\n' >&2; printf last`;
    const one = await written(shell(script), output({ prefix: 'app ' }));
    expect(one.stdout()).toBe('app one\napp \napp two and more\napp last\n');
    expect(one.stderr()).toContain('app wrong\n');
  });

  it('begins them with the time where that is wanted', async () => {
    const one = await written(shell('echo one'), output({ prefix: 'app ', timestamps: 1 }));
    const [, time = ''] = /^(\S+) app one\n$/.exec(one.stdout()) ?? [];
    expect(new Date(time).toISOString()).toBe(time);
    expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000);
  });

  it('passes lines of any length, with one prefix each, whatever pieces they come in', async () => {
    const one = await written(shell(`'${lines}' 40 300000 7919`), output({ prefix: '> ' }));
    expectSame(one.stdout(), prefixed('> ', numbered(40, 300_000)));
  });

  it('passes bytes that are no text', async () => {
    const out = join(scratch(), 'out');
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919 + (n >> 8)) & 255));
    writeFileSync(`${out}.in`, bytes);
    await written(['/bin/cat', `${out}.in`], output(), { through: shell('exec "$@" >"$0"').concat(out) });
    expect(readFileSync(out).equals(Buffer.concat([bytes, Buffer.from('\n')]))).toBe(true);
  });
});

describe('json', () => {
  interface Line {
    readonly time: string;
    readonly stream: string;
    readonly msg: string;
    readonly partial?: boolean;
  }
  const parse = (text: string): Line[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);

  it('makes an object of each line, whatever bytes it holds', async () => {
    const file = join(scratch(), 'in');
    const odd = ['c328', 'e282', 'eda080', 'f4908080', 'f09f9880', 'c0af', 'ff', '00', '1b5b306d', '225c09', 'e2', '7f', 'f0908d'];
    const generated = Array.from({ length: 3000 }, (_, n) => (n * n * 31 + n) & 255).filter((byte) => byte !== 10);
    const all = [
      ...odd.map((hex) => Buffer.from(`61${hex}62`, 'hex')),
      ...odd.map((hex) => Buffer.from(hex, 'hex')),
      Buffer.from(generated),
    ];
    writeFileSync(file, Buffer.concat(all.flatMap((line) => [line, Buffer.from('\n')])));
    const one = await written(['/bin/cat', file], output({ format: json }));
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    expect(parse(one.stdout()).map(({ msg }) => msg)).toEqual(all.map((line) => decoder.decode(line)));
  });

  it('leaves a line that is an object as it is, and only such a line', async () => {
    const objects = ['{}', ' {"a": [1, -0.5e+3, true, null, {"b": []}], "c\\u00e9\\n": "é"} ', '{"a":{"b":{"c":[[[{}]]]}}}'];
    const deep = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
    const others = [
      '[1]',
      '1',
      '{',
      '{"a":1,}',
      '{a:1}',
      '{"a":01}',
      '{"a":1}{}',
      '{"a":"\t"}',
      '{"a":[1,]}',
      '{"a" 1}',
      '{,}',
      '{"a":tru}',
      '{"a":[}]}',
      deep,
    ];
    const file = join(scratch(), 'in');
    writeFileSync(file, Buffer.concat([Buffer.from([...objects, ...others, ''].join('\n')), Buffer.from('{"a":"\xff"}\n', 'latin1')]));
    const one = await written(['/bin/cat', file], output({ format: json }));
    const got = one.stdout().split('\n').slice(0, -1);
    expect(got.slice(0, objects.length)).toEqual(objects);
    const wrapped = parse(got.slice(objects.length).join('\n')).map(({ msg }) => msg);
    expect(wrapped).toEqual([...others, '{"a":"�"}']);
  });

  it('says stream and time, and which lines are in pieces, at whole characters', async () => {
    const file = join(scratch(), 'in');
    const long = `x${'é€😀'.repeat(20_000)}`;
    writeFileSync(file, `short\n${long}\nshort`);
    const one = await written(shell(`cat '${file}'; cat '${file}' >&2`), output({ format: json }));
    const all = parse(one.stdout());
    expect(all.every(({ stream, time }) => stream === 'stdout' && new Date(time).toISOString() === time)).toBe(true);
    expect(all.map(({ msg }) => msg).join('')).toBe(`short${long}short`);
    expect(all.map(({ partial }) => partial === true)).toEqual([false, true, true, false, false]);
    expect(
      one
        .stderr()
        .split('\n')
        .filter((line) => line.includes('"stream":"stderr"')),
    ).toHaveLength(5);
  });
});
