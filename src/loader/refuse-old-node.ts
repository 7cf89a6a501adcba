/** Imported before everything else: an old Node says that it is old, and not which function it does not have. */
import { exitCodes } from '../core/exit-codes.ts';
import { isTooOld, oldestNode } from './node-version.ts';

if (isTooOld(process.versions.node)) {
  process.stderr.write(`reinit: error: Node.js ${oldestNode} or newer is needed, and ${process.execPath} is ${process.versions.node}\n`);
  process.exit(exitCodes.system);
}
