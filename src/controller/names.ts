/** What the lines of the log call things. */
import type { Attach } from '../config/model.ts';
import { policiesOf } from '../core/policy.ts';
import type { Hello } from '../link/messages.ts';
import type { Names } from '../log/lines.ts';
import type { Loaded } from './own-file.ts';

export function namesOf({ config, file }: Loaded, hello: Hello): Names {
  const { main } = config.services;
  const rule = (name: string) => policiesOf(main).find((one) => one.name === name);
  return {
    command: hello.command[0]?.toString() ?? main.command[0] ?? targetName(main.attach),
    attached: main.attach !== undefined,
    configFile: file ?? '',
    validator: (name, step) => rule(name)?.validate[step]?.[0] ?? 'the validator',
    validateTimeout: (name) => rule(name)?.validate_timeout ?? 0,
    action: (name, step) => rule(name)?.exec[step]?.[0] ?? 'the command',
    actionTimeout: (name) => rule(name)?.exec_timeout ?? 0,
  };
}

const targetName = (attach: Attach | undefined): string => attach?.name ?? attach?.match ?? attach?.pid_file ?? 'the application';
