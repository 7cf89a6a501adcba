import { operatingVerbs } from './verbs.ts';

/** `status …`, `help status`. */
export function isOperating([first, second]: readonly string[]): boolean {
  const word = first === 'help' ? second : first;
  return operatingVerbs.some(({ name }) => name === word);
}
