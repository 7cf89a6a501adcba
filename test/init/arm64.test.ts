import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reinitArm64 } from '../fixtures/init/init.ts';

const emulator = '/usr/bin/qemu-aarch64-static';
const run = (...args: string[]) => spawnSync(emulator, [reinitArm64, ...args], { encoding: 'utf8', timeout: 20_000 });

describe.skipIf(!existsSync(emulator) || !existsSync(reinitArm64))('the arm64 build, emulated', () => {
  it('says its version', () => {
    expect(run('version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^reinit \d/) });
  });

  it('runs a command and ends with its code', () => {
    // The kernel runs the command itself, not the emulator.
    expect(run('--', '/bin/sh', '-c', 'echo there; exit 7')).toMatchObject({ status: 7, stdout: 'there\n' });
    expect(run('--', '/nonexistent').status).toBe(127);
  });
});
