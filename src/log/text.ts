/** A JSON line of the log as a person reads it in a terminal. Pure. */
const marks: Readonly<Record<string, string>> = { debug: '·', info: ' ', warn: '!', error: '✗' };

/** `12:03:04.567 ! message`, further lines of the message indented; a line that is none of ours stays as it is. */
export function readable(jsonLine: string): string {
  try {
    const { level, time, msg } = JSON.parse(jsonLine) as { level: string; time: string; msg: string };
    const [first = '', ...rest] = msg.split('\n');
    const clock = /T([\d:.]+)Z$/.exec(time)?.[1] ?? time;
    return `${[`reinit ${clock} ${marks[level] ?? level} ${first}`, ...rest.map((line) => `    | ${line}`)].join('\n')}\n`;
  } catch {
    return jsonLine;
  }
}
