/**
 * What init gives Node for the controller and the command line. init has its own copy (src/init); a test holds the two together,
 * because V8 refuses a code cache that was made under other flags, silently.
 *
 * `--disable-sigusr1`: no debugger on USR1. The heap limits keep the controller small
 * (a busy directory let the young generation grow by 3 MB that never came back). One V8 worker thread instead of four: threads
 * count in the container's pids.max.
 */
export const nodeFlags = ['--disable-sigusr1', '--max-old-space-size=96', '--max-semi-space-size=1', '--v8-pool-size=1'] as const;
