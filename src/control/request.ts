/** A line of somebody's to a request that can be trusted to be one. Pure. */
import { controlVersion, type Problem, type Request, type ruleVerbs, type Verb, verbs } from './protocol.ts';

export type ReadRequest = { readonly id: number; readonly request: Request } | { readonly id: number; readonly error: Problem };

export function readRequest(line: string): ReadRequest {
  const given = parse(line);
  const id = typeof given?.id === 'number' && Number.isSafeInteger(given.id) ? given.id : 0;
  const refuse = (code: string, message: string, hint?: string): ReadRequest => ({ id, error: { code, message, ...(hint && { hint }) } });
  if (!given) return refuse('no_json', 'a request is a line with a JSON object');
  if (given.v !== controlVersion) {
    return refuse('version', `this reinit speaks version ${controlVersion} of the control protocol`, `Send "v":${controlVersion}.`);
  }
  const verb = verbs.find((one) => one === given.verb);
  if (!verb) return refuse('unknown_verb', 'there is no such verb', `There are: ${verbs.join(', ')}.`);
  const request = requestOf(verb, given);
  return request ? { id, request } : refuse('bad_request', `what stands beside "verb":"${verb}" is not what it takes`);
}

type Given = Readonly<Record<string, unknown>>;

function parse(line: string): Given | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Given) : undefined;
  } catch {
    return undefined;
  }
}

const longestWaitMs = 3_600_000;
const mostRules = 1_000;

/** Undefined: a field is of another kind than it is to be. Fields that are unknown are passed over. */
function requestOf(verb: Verb, given: Given): Request | undefined {
  const rules = optional(given.rules, isNames);
  const wait = optional(given.wait_ms, (value): value is number => isCount(value) && value <= longestWaitMs);
  const last = optional(given.last, isCount);
  const follow = optional(given.follow, (value): value is boolean => typeof value === 'boolean');
  if (rules === 'bad' || wait === 'bad' || last === 'bad' || follow === 'bad') return undefined;
  const named = { ...(rules && { rules }) };
  const waiting = { ...(wait !== undefined && { wait_ms: wait }) };
  switch (verb) {
    case 'status':
    case 'stop':
      return { verb };
    case 'restart':
      return { verb, ...waiting };
    case 'signal':
      return typeof given.signal === 'string' ? { verb, signal: given.signal } : undefined;
    case 'history':
      return { verb, ...named };
    case 'events':
      return { verb, ...(last !== undefined && { last }), ...(follow !== undefined && { follow }) };
    default:
      return { verb: verb satisfies (typeof ruleVerbs)[number] | 'rescan', ...named, ...waiting };
  }
}

const optional = <T>(value: unknown, is: (value: unknown) => value is T): T | undefined | 'bad' =>
  value === undefined ? undefined : is(value) ? value : 'bad';
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= mostRules && value.every((one) => typeof one === 'string');
