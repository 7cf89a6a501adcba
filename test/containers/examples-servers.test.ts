import { describe, it } from 'vitest';
import { engine, isAvailable } from './engine.ts';
import { follow, patience } from './readme/readme.ts';

const examples = {
  docker: ['nginx', 'haproxy', 'apache2', 'sidecar'],
  podman: ['nginx', 'haproxy', 'php-fpm'],
};

describe.skipIf(!isAvailable)('the README of a server, followed to the letter', () => {
  it.each(examples[engine])('%s', follow, patience);
});
