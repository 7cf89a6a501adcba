import { defineConfig } from 'vitest/config';
import { foreign } from './scripts/building/target.ts';

/** Outside of containers all that run share one /run: tests that want a control socket name a place of their own. */
const noSocket = { REINIT_CONTROL_SOCKET: 'off' };

/** The status page's style sheets are text that is imported; without this it would be empty. */
const css = true;

/** Real containers of an engine. They mostly wait: several files at a time. */
const containers = (engine: string) => ({
  test: {
    name: engine,
    include: ['test/containers/**/*.test.ts'],
    exclude: engine === 'podman' ? ['test/containers/doctor.test.ts'] : [],
    globalSetup: ['test/containers/testbed.ts'],
    env: { REINIT_TEST_ENGINE: engine },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 3,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    projects: [
      // Pure code and parts of the program: no root, no build needed, seconds.
      {
        test: {
          name: 'unit',
          env: noSocket,
          css,
          maxWorkers: 4,
          include: [
            'test/{cli,config,control,controller,core,docs,doctor,environment,host,http,journal,link,loader,log,notify,operate,probe,publish,target,usage,watch}/**/*.test.ts',
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // The built init and the built program as real PID 1 with real applications.
      {
        test: {
          name: 'system',
          env: noSocket,
          css,
          include: ['test/{build,init,e2e,portable}/**/*.test.ts'],
          globalSetup: ['test/build.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
      ...['docker', 'podman'].map(containers),
      // The tree for the other architecture, and init's own tests on its init, emulated.
      {
        test: {
          name: 'emulated',
          include: ['test/emulated/**/*.test.ts', ...(foreign.runner ? ['test/init/**/*.test.ts'] : [])],
          exclude: [
            'test/init/nest.test.ts', // needs a subreaper, which the emulator has not
            'test/init/text.test.ts', // is about this machine's compiler
            'test/init/node.test.ts', // copies init, and not the emulator that it needs
            'test/init/output-*.test.ts', // KILL ends the emulator, not what it emulates
            'test/init/{kill-points,reap,scarce}.test.ts', // minutes, and nothing in them depends on the architecture
          ],
          env: { ...noSocket, INIT_EMULATED: 'yes' },
          globalSetup: ['test/emulated.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          pool: 'forks',
        },
      },
    ],
  },
});
