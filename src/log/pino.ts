/** pino behind the log. Only the late bundle imports this. */
import { pino } from 'pino';
import type { Level } from './lines.ts';
import type { Backend } from './log.ts';

/**
 * With a destination of our own pino touches neither process.stdout nor process.stderr, which would set O_NONBLOCK on what they stand for
 * (design-review: the application's own output, if it were shared). The fields are chosen by lines.ts, so nothing has to be redacted.
 */
export const pinoBackend =
  (level: Level) =>
  (destination: { write(json: string): void }): Backend => {
    const logger = pino(
      {
        name: 'reinit',
        level,
        base: { name: 'reinit' },
        formatters: { level: (label) => ({ level: label }) },
        timestamp: pino.stdTimeFunctions.isoTime,
      },
      destination,
    );
    return ({ level: lineLevel, msg, fields }) => logger[lineLevel](fields, msg);
  };
