import { describe, it } from 'vitest';
import { engine, isAvailable } from './engine.ts';
import { follow, patience } from './readme/readme.ts';

const examples = {
  docker: ['legacy-python', 'watches-itself', 'jvm'],
  podman: ['legacy-python', 'watches-itself', 'prometheus'],
};

describe.skipIf(!isAvailable)('the README of an application, followed to the letter', () => {
  it.each(examples[engine])('%s', follow, patience);
});
