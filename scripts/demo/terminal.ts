const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

const bold = paint(1);
const dim = paint(2);
const green = paint(32);

export const heading = (text: string): void => console.log(`\n${bold(text)}`);
export const say = (text: string): void => console.log(`  ${text}`);
export const result = (text: string): void => console.log(`  ${green('✓')} ${text}`);

/** Shows output of others as it comes, whole lines at a time, each marked. */
export function showLines(mark: string): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) console.log(dim(`  ${mark} │ `) + line);
  };
}
