/** The first module of the boot bundle. */
import { runController } from './controller.ts';

void runController({ argv: process.argv.slice(2), env: process.env });
