/** Where reinit is to write. */
import type { Config } from '../../config/model.ts';
import { isStaged, policiesOf } from '../../core/policy.ts';
import type { Account } from '../facts/accounts.ts';
import type { Place, Places } from '../facts/places.ts';
import { error, type Finding, info, ok, warn } from '../finding.ts';
import { refusedAt, stepText } from '../identity.ts';

export function placeFindings(places: Places, config: Config, application: Account): Finding[] {
  return [
    ...(places.state === undefined ? [] : [placeFinding('write.state_dir', 'state_dir', places.state)]),
    ...places.published.map((place) => placeFinding('write.publish', 'publish.to', place, place.rule)),
    ...controlFindings(places),
    usualFinding(places, config),
    ...outputFindings(places, application),
    ...terminationLogFindings(places),
  ];
}

function placeFinding(id: string, setting: string, { path, problem }: Place, rule?: string): Finding {
  const at = rule === undefined ? {} : { rule };
  if (problem === undefined) return ok(id, `${setting}: ${path} can be written`, at);
  const [title = '', ...remedy] = problem.split('; ');
  return error(id, title, { ...at, remedy: remedy.join('; ') });
}

function controlFindings({ control }: Places): Finding[] {
  if (control === undefined) return [];
  if (control.writable) return [ok('write.control', `control_socket: ${control.path} can be written`)];
  return [
    warn('write.control', `control_socket: ${control.path} cannot be written, so reinit status and the others do not work`, {
      remedy: 'Mount a tmpfs there, or leave control_socket out: then the first of /run, /dev/shm and /tmp is taken.',
    }),
  ];
}

/** Needed by copies for validators, and by `env_from`; else a place less for what is convenient. */
function usualFinding({ usual }: Places, { services: { main } }: Config): Finding {
  const first = usual.find(({ writable }) => writable);
  const names = usual.map(({ path }) => path).join(', ');
  if (first !== undefined) return ok('write.private', `${first.path} can be written: for copies and for the control socket`);
  const needs = main.state_dir === undefined && policiesOf(main).some((rule) => isStaged(rule) && rule.publish === undefined);
  if (!needs && main.control_socket !== 'auto') return ok('write.private', `none of ${names} can be written, and nothing has to be`);
  return (needs ? error : info)('write.private', `none of ${names} can be written`, {
    detail: needs
      ? 'Copies of the files for validators ({{snapshot}}), and variables of env_from, need a place.'
      : 'There is no place for the control socket, so reinit status and the others do not work; everything else does.',
    remedy: 'Mount an emptyDir (medium: Memory) or tmpfs at /run: docker run --tmpfs /run.',
  });
}

/** Both are asked: our own access(2) knows of a read-only file system, modes and owners tell of the application's user. */
function outputFindings({ output }: Places, application: Account): Finding[] {
  if (output === undefined) return [];
  const refused = application.kind === 'unknown' ? undefined : refusedAt(output.trail, application.actor, 'write');
  if (output.writable && refused === undefined) return [ok('write.output', `output.file: ${output.path} can be written`)];
  return [
    warn('write.output', `output.file: ${output.path} cannot be written, so the lines go to stdout and stderr instead`, {
      detail: refused === undefined ? '' : stepText(refused),
      remedy: 'Make the directory in the image, or mount a volume there, and give it to the user that the application runs as.',
    }),
  ];
}

function terminationLogFindings({ terminationLog }: Places): Finding[] {
  if (terminationLog === 'none') return [];
  if (terminationLog === 'writable') return [ok('write.termination_log', 'the termination log can be written')];
  return [
    warn('write.termination_log', 'the termination log cannot be written, so kubectl describe will not show what was refused', {
      remedy: 'Let the user that reinit runs as write it, or set terminationMessagePath to a file that it can write.',
    }),
  ];
}
