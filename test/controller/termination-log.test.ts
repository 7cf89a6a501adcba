import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTerminationLog } from '../../src/controller/termination-log.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reinit-termination-'));
  path = join(directory, 'termination-log');
  writeFileSync(path, '');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const content = (): string => readFileSync(path, 'utf8');

describe('termination log', () => {
  test('the last words replace the ones before', () => {
    const log = createTerminationLog(path);
    log.write('a long story\n');
    log.write('short\n');
    expect(content()).toBe('reinit: short\n');
  });

  test('is cleared once it is over, and only of our own words', () => {
    const log = createTerminationLog(path);
    writeFileSync(path, 'the application’s own');
    log.clear();
    expect(content()).toBe('the application’s own');
    log.write('refused\n');
    log.clear();
    expect(content()).toBe('');
    writeFileSync(path, 'the application’s own');
    log.clear();
    expect(content()).toBe('the application’s own');
  });

  test('the words of a former controller are known as ours', () => {
    createTerminationLog(path).write('refused\n');
    expect(createTerminationLog(path).read()).toBe('refused\n');
    createTerminationLog(path).clear();
    expect(content()).toBe('');
  });

  test('an end is told where the application has told nothing', () => {
    const log = createTerminationLog(path);
    log.writeIfFree('ended\n');
    expect(content()).toBe('reinit: ended\n');
    log.writeIfFree('ended otherwise\n');
    expect(content()).toBe('reinit: ended otherwise\n');
    writeFileSync(path, 'the application’s own');
    log.writeIfFree('ended\n');
    expect(content()).toBe('the application’s own');
  });

  test('holds no more than Kubernetes reads', () => {
    createTerminationLog(path).write('x'.repeat(10_000));
    expect(content()).toHaveLength(4_096);
  });

  test('what is not there is not made', () => {
    rmSync(path);
    createTerminationLog(path).write('refused\n');
    expect(() => content()).toThrow('ENOENT');
  });

  test('what is no file of the container’s is left alone', () => {
    const target = join(directory, 'target');
    writeFileSync(target, 'precious');
    rmSync(path);
    symlinkSync(target, path);
    createTerminationLog(path).write('refused\n');
    expect(readFileSync(target, 'utf8')).toBe('precious');
    rmSync(path);
    mkdirSync(path);
    expect(() => createTerminationLog(path).write('refused\n')).not.toThrow();
  });
});
