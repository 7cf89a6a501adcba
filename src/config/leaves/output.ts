import { type Kind, record, required, scalarKind, single, value, withDefault } from '../kinds.ts';
import type { OutputFile } from '../model.ts';
import { holdsControl, integer, onOff, path, size } from './basic.ts';

/** Init keeps it in a room of this size. */
const longestPrefix = 256;
/** A block of whole lines is not parted between two files. */
const smallestFile = 64 * 1024;
/** Beside it the names that it gets when it is renamed have room. */
const longestPath = 4000;

export const prefix: Kind<string> = scalarKind(
  {
    type: 'text',
    expected: `a short text without line breaks, such as "app "`,
    spelling: value('TEXT'),
    json: { type: 'string', pattern: '^[^\\n\\r]*$', maxLength: longestPrefix },
  },
  (given, fault) => {
    if (holdsControl(given)) return fault('it holds a line break or another control character');
    return Buffer.byteLength(given) > longestPrefix ? fault(`it is longer than ${longestPrefix} bytes`) : given;
  },
);

export const outputFile: Kind<OutputFile> = record(
  {
    type: 'path, or map',
    expected: 'a path, such as /var/log/app/app.log, or a mapping such as {path: /var/log/app/app.log, max_size: 50MiB}',
    spelling: value('PATH'),
    json: { type: 'string', pattern: '^/' },
    hints: {
      file: 'path',
      name: 'path',
      size: 'max_size',
      max_file: 'max_files',
      rotate: 'max_files',
      keep: 'max_files',
      tee: 'also_stdout',
    },
  },
  {
    path: required(path, 'The file; its directory has to exist. It is written with the rights of the application, and is no link.'),
    max_size: withDefault(
      size,
      '10MiB',
      'The file is renamed to `path.1`, the one before to `path.2`, and so on, before it would be larger than this; at least 64KiB.',
    ),
    max_files: withDefault(integer(1, 1000), '5', 'How many files there are in all, the one that is written to among them.'),
    also_stdout: withDefault(onOff, 'false', 'Whether all of it goes to stdout and stderr, too.'),
  },
  (given, fault) => {
    if (given.max_size < smallestFile) return fault('it is less than 64KiB', 'max_size');
    return Buffer.byteLength(given.path) > longestPath ? fault('it is too long', 'path') : given;
  },
  single((given) => ({ path: given })),
);
