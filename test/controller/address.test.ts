import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, isIPv6 } from '../../src/controller/address.ts';

const hex = (host: string): string => addressBytes(host).toString('hex');

describe('addresses', () => {
  test.each([
    ['127.0.0.1', '7f000001'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::ff00:42:8329', '20010db8000000000000ff0000428329'],
    ['2001:DB8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ])('%s', (host, bytes) => expect(hex(host)).toBe(bytes));

  test('as any program writes them: what was 16 bytes comes back as those', () => {
    fc.assert(
      fc.property(fc.ipV6(), (host) => {
        expect(isIP(host)).toBe(6);
        expect(isIPv6(host)).toBe(true);
        // The URL parser is another reader of the same text.
        const canonical = new URL(`http://[${host}]/`).hostname.slice(1, -1);
        expect(addressBytes(host)).toHaveLength(16);
        expect(hex(host)).toBe(hex(canonical));
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (host) => {
        expect([...addressBytes(host)].join('.')).toBe(host);
        expect(isIPv6(host)).toBe(false);
      }),
    );
  });
});
