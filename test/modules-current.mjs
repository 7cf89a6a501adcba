// Exits with 0 if node_modules holds what package-lock.json asks for. Plain JavaScript for any Node: it decides whether ours is there.
import { readFileSync } from 'node:fs';

const packagesOf = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).packages;

try {
  const installed = packagesOf('node_modules/.package-lock.json');
  const stale = Object.entries(packagesOf('package-lock.json')).filter(([path, wanted]) => {
    const found = installed[path];
    return path !== '' && (found === undefined ? !wanted.optional : found.version !== wanted.version);
  });
  process.exitCode = stale.length === 0 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
