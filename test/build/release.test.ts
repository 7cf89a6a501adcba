import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { libDir } from '../../scripts/building/paths.ts';
import { native } from '../../scripts/building/target.ts';
import { archiveTree, checksums } from '../../scripts/releasing/archive.ts';
import { billOfMaterials } from '../../scripts/releasing/bill-of-materials.ts';
import { type Part, partsOf } from '../../scripts/releasing/parts.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

const isDebian = spawnSync('dpkg-query', ['--version']).error === undefined;
const seconds = 1_000_000_000;

function tree(directory: string): string {
  const root = join(directory, 'dist');
  mkdirSync(join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'bin/reinit'), 'init');
  writeFileSync(join(root, 'bin/a'), 'a');
  chmodSync(join(root, 'bin/reinit'), 0o755);
  return root;
}

describe("a tree's archive", () => {
  it('has the same bytes whenever, wherever and by whomever it is made', async () => {
    const directory = scratchDirectory();
    const one = tree(directory);
    const other = join(directory, 'elsewhere');
    cpSync(one, other, { recursive: true });
    utimesSync(join(other, 'bin/a'), 1, 1);
    chmodSync(join(other, 'bin/a'), 0o600);
    chmodSync(join(other, 'bin'), 0o700);
    const archives = [join(directory, 'a.tar.gz'), join(directory, 'b.tar.gz')];
    await archiveTree(one, 'reinit', seconds, archives[0] ?? '');
    await archiveTree(other, 'reinit', seconds, archives[1] ?? '');
    const [first, second] = archives.map((file) => readFileSync(file));
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(true);
  });

  it('has one directory at its top, and belongs to root', async () => {
    const directory = scratchDirectory();
    const archive = join(directory, 'a.tar.gz');
    await archiveTree(tree(directory), 'reinit', seconds, archive);
    const listed = execFileSync('tar', ['--utc', '--numeric-owner', '-tvzf', archive], { encoding: 'utf8' });
    expect(
      listed
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).toSpliced(2, 1).join(' ')),
    ).toEqual([
      'drwxr-xr-x 0/0 2001-09-09 01:46 reinit/',
      'drwxr-xr-x 0/0 2001-09-09 01:46 reinit/bin/',
      '-rw-r--r-- 0/0 2001-09-09 01:46 reinit/bin/a',
      '-rwxr-xr-x 0/0 2001-09-09 01:46 reinit/bin/reinit',
    ]);
  });

  it('is checked by sha256sum', () => {
    const directory = scratchDirectory();
    const files = ['a b.tgz', 'c'].map((name) => join(directory, name));
    for (const file of files) writeFileSync(file, file);
    writeFileSync(join(directory, 'SHA256SUMS'), checksums(files));
    const check = () => spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: directory, encoding: 'utf8' });
    expect(check()).toMatchObject({ status: 0, stdout: 'a b.tgz: OK\nc: OK\n' });
    writeFileSync(files[1] ?? '', 'another');
    expect(check().status).toBe(1);
  });
});

describe.skipIf(!isDebian)('the bill of materials', () => {
  const product = { name: 'reinit', version: '1.2.3', description: 'an init', license: 'MIT' };
  let parts: readonly Part[];
  beforeAll(async () => {
    parts = await partsOf([native]);
  });

  it('names every npm package of which something is in a bundle', () => {
    const shipped = [...readFileSync(join(libDir, 'licenses/npm.txt'), 'utf8').matchAll(/^=== (\S+) (\S+) \((.*)\) ===$/gm)];
    const listed = parts.filter(({ purl }) => purl.startsWith('pkg:npm/'));
    expect(listed.length).toBeGreaterThan(10);
    expect(listed.map(({ name, version, license }) => [name, version, license])).toEqual(shipped.map(([, ...fields]) => fields));
  });

  it('names Node with what is in it, and the C libraries', () => {
    const node = parts.find(({ name }) => name === 'node');
    expect(node).toMatchObject({ version: process.versions.node, license: 'MIT' });
    expect(node?.parts?.map(({ name }) => name)).toEqual(expect.arrayContaining(['v8', 'openssl', 'uv', 'zlib']));
    const debian = parts.filter(({ purl }) => purl.startsWith('pkg:deb/'));
    expect(debian.map(({ name }) => name)).toEqual(['libc6', 'libgcc-s1', 'libstdc++6', 'musl-dev']);
    for (const { version } of debian) expect(version).toMatch(/^\d+\./);
  });

  it('is valid CycloneDX, the same each time', async () => {
    const make = () => billOfMaterials(product, parts, new Date(seconds * 1000));
    const text = await make();
    expect(await make()).toBe(text);
    const bill = JSON.parse(text);
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { name: 'reinit', version: '1.2.3' } },
    });
    expect(bill.components).toHaveLength(parts.length);
    expect(bill.dependencies.find(({ ref }: { ref: string }) => ref === 'pkg:npm/reinit@1.2.3').dependsOn).toHaveLength(parts.length);
  });
});
