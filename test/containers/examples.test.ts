import { describe, it } from 'vitest';
import { engine, isAvailable } from './engine.ts';
import { follow } from './readme/readme.ts';

/** Packages that are installed into each image cost the most: each example in one engine, those whose packages both have anyway in both. */
const examples = {
  docker: ['nginx', 'apache2', 'legacy-python', 'watches-itself', 'jvm'],
  podman: ['nginx', 'haproxy', 'php-fpm', 'legacy-python', 'prometheus'],
};

describe.skipIf(!isAvailable)('the README of an example, followed to the letter', () => {
  it.each(examples[engine])('%s', follow);
});
