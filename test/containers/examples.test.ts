import { describe, it } from 'vitest';
import { engine, isAvailable } from './engine.ts';
import { follow } from './readme/readme.ts';

/** Packages that are installed into each image cost the most: not every example in both engines. */
const examples = {
  docker: ['nginx'],
  podman: ['nginx'],
};

describe.skipIf(!isAvailable)('the README of an example, followed to the letter', () => {
  it.each(examples[engine])('%s', follow);
});
