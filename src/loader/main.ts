/**
 * The first JavaScript that runs. `main.cjs cli …` is the command line, `main.cjs boot …` the controller, `main.cjs portable …` what
 * stands in for init where there is none.
 *
 * The controller is three bundles: `boot` decides what to start, `late` (watching and what it needs) is loaded while the application starts,
 * `workshop` (copies, variables, probes) where the configuration asks for it.
 */
import './refuse-old-node.ts';
import { createLoader } from './load.ts';

// Without that flag (an image's own Node: src/init/node.c) USR1 would open the debugger.
if (!process.execArgv.includes('--disable-sigusr1')) process.on('SIGUSR1', () => undefined);

const [entry] = process.argv.splice(2, 1);
createLoader(__dirname)(entry === 'cli' || entry === 'portable' ? entry : 'boot');
