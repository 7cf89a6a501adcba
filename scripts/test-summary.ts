/**
 * `test-summary.ts <report directory> <no-skips: yes|no>`: prints `N passed, N failed, N skipped` and leaves with 0 if nothing failed.
 *
 * The directory holds `<name>.result` with `passed` or `failed` for each check, and vitest's report `<name>.json` for those that are a suite.
 * A check is one test; a suite's own result counts only where it failed without a test that did (a file that cannot be loaded, a crash, an unhandled error).
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const [directory = '', noSkips = 'no'] = process.argv.slice(2);

const checks = globSync('*.result', { cwd: directory }).map((file) => {
  const name = basename(file, '.result');
  const report = join(directory, `${name}.json`);
  return {
    name,
    passed: readFileSync(join(directory, file), 'utf8').trim() === 'passed',
    tests: existsSync(report) ? readTests(report) : undefined,
  };
});
const single = checks.filter(({ tests }) => tests === undefined);
const tests = checks.flatMap((check) => check.tests ?? []);
const broken = checks.filter((check) => !check.passed && check.tests?.every(({ status }) => status !== 'failed'));
const failures = [
  ...single.filter((check) => !check.passed).map(({ name }) => name),
  ...tests.filter(({ status }) => status === 'failed').map(({ name }) => name),
  ...broken.map(({ name }) => `${name} itself`),
];
const skipped = tests.filter(({ status }) => status === 'skipped').map(({ name }) => name);
const passed = tests.filter(({ status }) => status === 'passed').length;
const passedChecks = single.filter((check) => check.passed).length;

for (const name of skipped) console.log(`skipped: ${name}`);
for (const name of failures) console.log(`failed: ${name}`);
const failed = failures.length + (noSkips === 'yes' ? skipped.length : 0);
console.log(`${passed + passedChecks} passed, ${failed} failed, ${noSkips === 'yes' ? 0 : skipped.length} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

function readTests(file: string): { readonly name: string; readonly status: 'passed' | 'failed' | 'skipped' }[] {
  const { testResults }: Report = JSON.parse(readFileSync(file, 'utf8'));
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const own = assertionResults.map((test) => ({ name: `${name} > ${test.fullName}`, status: outcome(test.status) }));
    // A file whose tests could not be collected, or whose hook failed.
    const brokenFile = status === 'failed' && own.every((test) => test.status !== 'failed');
    return brokenFile ? [...own, { name, status: 'failed' as const }] : own;
  });
}

function outcome(status: string): 'passed' | 'failed' | 'skipped' {
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}
