/** A JSON line of the log as a person reads it in a terminal. Pure. */
import { printable } from '../core/printable.ts';

const marks: Readonly<Record<string, string>> = { debug: '·', info: ' ', warn: '!', error: '✗' };

/** `reinit 12:03:04.567 ! message`, a program's own words indented below; a line that is none of ours stays as it is. */
export function readable(jsonLine: string): string {
  try {
    const { level, time, msg, output } = JSON.parse(jsonLine) as { level: string; time: string; msg: string; output?: string };
    const [first = '', ...rest] = (output ? `${msg}\n${output}` : msg).split('\n').map(printable);
    const clock = /T([\d:.]+)Z$/.exec(time)?.[1] ?? time;
    return `${[`reinit ${clock} ${marks[level] ?? level} ${first}`, ...rest.map((line) => `    | ${line}`)].join('\n')}\n`;
  } catch {
    return jsonLine;
  }
}
