import { posix } from 'node:path';
import { type Kind, record, required, scalarKind, single, value, withDefault } from '../kinds.ts';
import type { Publish } from '../model.ts';
import { choice, integer, pathFault } from './basic.ts';

/** Without a slash at its end: it is going to be the name of a link. */
const target: Kind<string> = scalarKind(
  { type: 'path', expected: 'an absolute path, such as /run/app/config', spelling: value('PATH'), json: { type: 'string', pattern: '^/' } },
  (given, fault) => {
    if (pathFault(given, fault) === undefined) return undefined;
    const path = posix.normalize(given).replace(/\/+$/, '');
    return path === '' ? fault('it is the root directory') : path;
  },
);

export const publish: Kind<Publish> = record(
  {
    type: 'path, or map',
    expected: 'a path, such as /run/app/config, or a mapping such as {to: /run/app/config, mode: files}',
    spelling: value('PATH'),
    json: { type: 'string', pattern: '^/' },
    hints: {
      path: 'to',
      dir: 'to',
      directory: 'to',
      target: 'to',
      destination: 'to',
      strategy: 'mode',
      history: 'keep',
      generations: 'keep',
    },
  },
  {
    to: required(target, 'Where the application finds accepted configuration. It must not exist yet, or be what reinit made earlier.'),
    mode: withDefault(
      choice(['flip', 'files']),
      'flip',
      '`flip`: `to` is a link, and one rename changes all files at once. `files`: `to` is a directory whose files are renamed over each other, for an application that remembers the real path of its configuration.',
    ),
    keep: withDefault(integer(0, 100), '2', 'How many generations are kept beside the published one and the last good one.'),
  },
  (given) => given,
  single((to) => ({ to })),
);
