/** Addresses in numbers, as the kernel wants them. `node:net` would be loaded for nothing before the application starts. Pure. */

/** `host` is known to be an address of one kind or the other (the configuration has been read). */
export const isIPv6 = (host: string): boolean => host.includes(':');

/** 4 or 16 bytes in network order. IPv6 as RFC 4291, section 2.2 writes it, without a zone. */
export const addressBytes = (host: string): Buffer => Buffer.from(isIPv6(host) ? ipv6(host) : ipv4(host));

const ipv4 = (host: string): number[] => host.split('.').map(Number);

function ipv6(host: string): number[] {
  const [head = '', tail] = host.split('::');
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 16 - before.length - after.length;
  return [...before, ...Array<number>(zeros).fill(0), ...after];
}

/** The last group may be an IPv4 address. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return ipv4(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
