import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/building/paths.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed } from '../fixtures/host.ts';

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('reinit-demo-'));

function startDemo(...options: readonly string[]) {
  const demo = spawn(process.execPath, [join(root, 'scripts/demo.ts'), ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let shown = '';
  for (const stream of [demo.stdout, demo.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
  return { demo, shown: () => shown, exited: once(demo, 'close').then(([code]) => code as number | null) };
}

describe('npm run demo', () => {
  const versions: [string, string[]][] = [
    ['with the example server', ['--greeter']],
    ...(installed('nginx') ? [['with nginx', []] as [string, string[]]] : []),
  ];

  it.each(versions)('shows three changes %s and leaves nothing behind', async (_name, options) => {
    const before = leftovers();
    const { shown, exited } = startDemo(...options);
    expect(await exited, shown()).toBe(0);
    for (const text of ['→ version 1', '→ version 2', 'refused', '→ version 3']) expect(shown()).toContain(text);
    expect(leftovers()).toEqual(before);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const before = leftovers();
    const { demo, shown, exited } = startDemo('--greeter');
    await eventually('the first answer', () => shown().includes('→ version 1'));
    demo.kill('SIGINT');
    expect(await exited).toBe(1);
    expect(leftovers()).toEqual(before);
  });
});
