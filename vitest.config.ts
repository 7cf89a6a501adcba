import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // Pure code and parts of the program: no root, no build needed, seconds.
      {
        test: {
          name: 'unit',
          maxWorkers: 4,
          include: ['test/{core,config,environment,watch,controller,link,log,probe,publish,cli,docs,loader}/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      // The built init and the built program as real PID 1 with real applications.
      {
        test: {
          name: 'system',
          include: ['test/{build,init,e2e,containers}/**/*.test.ts'],
          globalSetup: ['test/build.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
    ],
  },
});
