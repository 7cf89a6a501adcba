/** Whether the programs that the configuration names can be started. */
import type { ServiceConfig } from '../../config/model.ts';
import type { Named } from '../facts/service.ts';
import { error, type Finding, ok, warn } from '../finding.ts';
import { refusedAt, stepText } from '../identity.ts';

const setIds = 0o6000;

/** @param arch of this machine, as `process.arch` */
export function programFindings(programs: readonly Named[], service: ServiceConfig, workingDirThere: boolean, arch: string): Finding[] {
  const seen = new Set<string>();
  const once = programs.filter(({ setting, rule, name }) => {
    const key = `${setting} ${rule} ${name}`;
    return !seen.has(key) && seen.add(key);
  });
  return [
    ...(workingDirThere
      ? []
      : [
          error('program.working_dir', `working_dir: ${service.working_dir} is not a directory`, {
            remedy: 'Make it in the image, or correct working_dir.',
          }),
        ]),
    ...once.map((named) => programFinding(named, service, arch)),
  ];
}

function programFinding(named: Named, { no_new_privileges }: ServiceConfig, arch: string): Finding {
  const { setting, rule, name, program } = named;
  const at = rule === undefined ? {} : { rule };
  const problem = problemOf(named, arch);
  if (problem !== undefined)
    return error('program.start', `${setting}: ${problem.title}`, { ...at, detail: problem.detail ?? '', remedy: problem.remedy });
  const mode = program.trail.at(-1)?.mode ?? 0;
  if (no_new_privileges && (mode & setIds) !== 0)
    return warn('program.setuid', `${setting}: ${program.file} is set-user-ID, which no_new_privileges takes away`, {
      ...at,
      remedy: 'Leave no_new_privileges out, or give the program what it needs by other means (capabilities, a group).',
    });
  return ok('program.start', `${setting}: ${name} is ${program.file}`, at);
}

interface Problem {
  readonly title: string;
  readonly detail?: string;
  readonly remedy: string;
}

function problemOf({ name, account, program: { file, trail, content, interpreted } }: Named, arch: string): Problem | undefined {
  if (file === undefined)
    return {
      title: `there is no ${name}${name.includes('/') ? '' : ' in PATH'}`,
      remedy: 'Install it into the image, or write its whole path.',
    };
  const refused = account.kind === 'unknown' ? undefined : refusedAt(trail, account.actor, 'execute');
  if (refused !== undefined && account.kind !== 'unknown')
    return {
      title: `${account.actor.text} may not execute ${file}`,
      detail: stepText(refused),
      remedy: `chmod +x ${file}, in the image; a file of a ConfigMap needs defaultMode: 0555.`,
    };
  if (content.kind === 'other')
    return { title: `${file} is neither a program nor a script`, remedy: 'Let its first line say what runs it: #!/bin/sh.' };
  if (content.kind === 'script' && content.crlf)
    return {
      title: `${file} has Windows line ends, so that its interpreter is not found`,
      detail: `Its first line asks for "${content.interpreter}" and a carriage return.`,
      remedy: `Save it with Unix line ends: sed -i 's/\\r$//' ${file}.`,
    };
  if (!interpreted && content.kind === 'script')
    return {
      title: `${file} asks for ${content.interpreter}, which is not there`,
      remedy: 'Install the interpreter into the image, or name the one that it has.',
    };
  if (content.kind === 'elf' && content.machine !== arch && !(content.machine === 'ia32' && arch === 'x64'))
    return {
      title: `${file} is for ${content.machine}, and this machine is ${arch}`,
      remedy: 'Build the image for this platform (docker build --platform).',
    };
  if (!interpreted && content.kind === 'elf')
    return {
      title: `${file} needs the loader ${content.loader}, which is not there`,
      detail: 'It was built for another C library (glibc, musl).',
      remedy: 'Use a base image with that C library, or link the program statically.',
    };
  return undefined;
}
