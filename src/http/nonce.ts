import { closeSync, openSync, readSync } from 'node:fs';

/** From the kernel itself: OpenSSL's start would cost more memory than the whole page. */
export function createNonce(): string {
  const file = openSync('/dev/urandom', 'r');
  try {
    const bytes = Buffer.alloc(16);
    readSync(file, bytes);
    return bytes.toString('base64');
  } finally {
    closeSync(file);
  }
}
