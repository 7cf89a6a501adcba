/**
 * `reinit doctor`: looks at everything that a start, or a running reinit, depends on. A bundle of its own, loaded for this verb alone. Facts are gathered first
 * (facts/, the effects), then weighed (checks/, pure); nothing is changed but that validators are run.
 */
import type { LoadOptions } from '../config/load.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { version } from '../core/version.ts';
import { configurationFindings, type Loaded } from './checks/configuration.ts';
import { inotifyFindings } from './checks/inotify.ts';
import { pid1Findings } from './checks/pid1.ts';
import { placeFindings } from './checks/places.ts';
import { programFindings } from './checks/programs.ts';
import { resourceFindings } from './checks/resources.ts';
import { signalFindings } from './checks/signals.ts';
import { stopFindings } from './checks/stop.ts';
import { userFindings } from './checks/users.ts';
import { validatorFindings } from './checks/validators.ts';
import { watchedFindings } from './checks/watched.ts';
import { type Kernel, readKernel } from './facts/kernel.ts';
import { readProcesses } from './facts/processes.ts';
import { readService, type ServiceFacts } from './facts/service.ts';
import { containerVariables, inKubernetes, type Variables } from './facts/variables.ts';
import { countsOf, type Finding } from './finding.ts';
import { jsonReport, textReport } from './report.ts';

export interface Request {
  /** reinit's own flags, but the doctor's. */
  readonly own: readonly string[];
  /** Behind `--`. */
  readonly command: readonly string[];
  /** Where init did not hand over the container's. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  /** Warnings count as errors. */
  readonly strict: boolean;
  /** Also what is as it should be. */
  readonly all: boolean;
  /** Whether to run the validators. */
  readonly run: boolean;
  readonly terminal: boolean;
  readonly load: (options: Pick<LoadOptions, 'argv' | 'env' | 'hasCommand'>) => Loaded;
  readonly out: (text: string) => void;
}

/** @returns the exit code: 0, or 1 where something is wrong */
export async function doctor(request: Request): Promise<number> {
  const processes = readProcesses(request.own.length > 0);
  const { running, self } = processes;
  const given = running !== undefined && request.own.length === 0 ? running : request;
  const command = request.command.length > 0 ? request.command : (running?.command ?? []);
  const variables = running?.variables ?? containerVariables() ?? defined(request.variables);
  const loaded = request.load({ argv: given.own, env: variables, hasCommand: command.length > 0 });
  const kernel = readKernel((running?.identity ?? self).uid);
  const service = loaded.config && (await readService({ config: loaded.config, command, variables, processes, run: request.run }));
  const findings = [
    ...configurationFindings(loaded, service?.command ?? command),
    ...(service === undefined ? [] : serviceFindings(service, kernel, variables, { run: request.run, running: running !== undefined })),
    ...pid1Findings(processes, inKubernetes(variables)),
    ...resourceFindings(kernel, running !== undefined),
  ];
  const report = { version, pid: running?.pid, findings };
  request.out(request.json ? jsonReport(report) : textReport(report, request.all, request.terminal && mayColour(variables)));
  const counts = countsOf(findings);
  return counts.error > 0 || (request.strict && counts.warn > 0) ? exitCodes.no : exitCodes.ok;
}

function serviceFindings(
  service: ServiceFacts,
  { inotify, limits }: Kernel,
  variables: Variables,
  { run, running }: { readonly run: boolean; readonly running: boolean },
): Finding[] {
  const { config, watched, accounts, programs, workingDirThere, places, dryRuns, inherited, application } = service;
  const { main } = config.services;
  return [
    ...programFindings(programs, main, workingDirThere, process.arch),
    ...userFindings(accounts, main, watched, limits),
    ...watched.flatMap(watchedFindings),
    ...inotifyFindings(inotify, watched, running),
    ...validatorFindings(dryRuns, inherited, run),
    ...signalFindings(application, main),
    ...stopFindings(main, inKubernetes(variables)),
    ...placeFindings(places, config, accounts.application),
  ];
}

/** https://no-color.org: set, and not empty. */
const mayColour = ({ NO_COLOR, TERM }: Variables): boolean => (NO_COLOR ?? '') === '' && TERM !== 'dumb';

const defined = (variables: Request['variables']): Variables =>
  Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
