import { posix } from 'node:path';

/** Whether an absolute path is the directory, or below it. Links are not looked at. */
export const isWithin = (path: string, directory: string): boolean => path === directory || path.startsWith(posix.join(directory, '/'));
