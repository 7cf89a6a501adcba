/** A command given as one string: split into words as a shell would, and never given to a shell. */

export type SplitResult = { readonly ok: true; readonly argv: readonly string[] } | { readonly ok: false; readonly problem: string };

/** What a shell would act on where it is not quoted. */
const shellSyntax = '$`|;&<>()*?[\n';
/** What double quotes do not take the meaning from. */
const alsoInDoubleQuotes = '$`';
const escapableInDoubleQuotes = '$`"\\\n';

interface Word {
  text: string;
  /** It was begun: `''` is a word, too. */
  begun: boolean;
}

/**
 * Words of a command line: spaces part them; quotes and backslashes protect.
 *
 * Anything that only a shell can do is a problem, not a guess: variables, pipes, redirection, globs, `~`, assignments, comments.
 * `problem` names the character, never the text.
 */
export function splitCommand(command: string): SplitResult {
  const source = command.trim();
  if (source === '') return { ok: false, problem: 'it is empty' };
  if (/^[A-Za-z_]\w*\+?=/.test(source)) return { ok: false, problem: `it begins with an assignment: use environment, or ${askForShell}` };
  const argv: string[] = [];
  const word: Word = { text: '', begun: false };
  let at = 0;
  while (at < source.length) {
    const char = source.charAt(at);
    if (char === ' ' || char === '\t') {
      endWord(word, argv);
      at += 1;
      continue;
    }
    const step = takePart(source, at, word);
    if (typeof step === 'string') return { ok: false, problem: step };
    at = step;
  }
  endWord(word, argv);
  return { ok: true, argv };
}

const askForShell = 'ask for a shell: [sh, -c, "…"]';

const syntaxProblem = (char: string): string =>
  `${char === '\n' ? 'a new line' : `the shell's ${char}`} has no meaning here: quote it, or ${askForShell}`;

/** Reads one quoted or plain part of a word into `word`. @returns where the next part begins, or the problem. */
function takePart(source: string, at: number, word: Word): number | string {
  const char = source.charAt(at);
  // A new line behind a backslash is nothing at all, as in a shell.
  if (source.startsWith('\\\n', at)) return at + 2;
  const first = !word.begun;
  word.begun = true;
  if (char === "'") return takeSingleQuoted(source, at + 1, word);
  if (char === '"') return takeDoubleQuoted(source, at + 1, word);
  if (char === '\\') return takeEscaped(source, at + 1, word);
  if (shellSyntax.includes(char) || (first && (char === '~' || char === '#'))) return syntaxProblem(char);
  word.text += char;
  return at + 1;
}

function takeSingleQuoted(source: string, at: number, word: Word): number | string {
  const end = source.indexOf("'", at);
  if (end < 0) return "the closing ' is missing";
  word.text += source.slice(at, end);
  return end + 1;
}

function takeDoubleQuoted(source: string, start: number, word: Word): number | string {
  for (let at = start; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === '"') return at + 1;
    if (alsoInDoubleQuotes.includes(char)) return syntaxProblem(char);
    if (char === '\\' && at + 1 < source.length && escapableInDoubleQuotes.includes(source.charAt(at + 1))) {
      at += 1;
      word.text += source.charAt(at) === '\n' ? '' : source.charAt(at);
    } else {
      word.text += char;
    }
  }
  return 'the closing " is missing';
}

function takeEscaped(source: string, at: number, word: Word): number | string {
  if (at >= source.length) return 'it ends in a lone backslash';
  word.text += source.charAt(at);
  return at + 1;
}

function endWord(word: Word, argv: string[]): void {
  if (word.begun) argv.push(word.text);
  word.text = '';
  word.begun = false;
}
