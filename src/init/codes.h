/* init's own exit codes; src/core/exit-codes.ts has the same ones, and what they mean to people. */
#ifndef CODES_H
#define CODES_H

enum { EXIT_USAGE = 100, EXIT_HAND_OVER = 105, EXIT_SYSTEM = 111, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

#endif
