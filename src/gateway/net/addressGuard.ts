import * as dns from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { UpstreamError } from './upstream.js';

/** Names that clouds resolve to their metadata service; refused even when a proxy would do the resolving. */
const METADATA_NAMES = new Set(['metadata.google.internal', 'metadata.goog', 'metadata']);

function createBlockList(): BlockList {
  const list = new BlockList();
  list.addSubnet('0.0.0.0', 8, 'ipv4');
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  // Metadata services outside the link-local range: Alibaba Cloud, Oracle Cloud, Azure's wire server.
  list.addAddress('100.100.100.200', 'ipv4');
  list.addAddress('192.0.0.192', 'ipv4');
  list.addAddress('168.63.129.16', 'ipv4');
  list.addAddress('::', 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  // AWS and Google Cloud over IPv6, and the NAT64 form of 169.254.0.0/16.
  list.addAddress('fd00:ec2::254', 'ipv6');
  list.addAddress('fd20:ce::254', 'ipv6');
  list.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
  return list;
}

/** Refuses link-local and metadata addresses; loopback and LAN are allowed. */
export interface AddressGuard {
  /** The error for a literal address or a well-known metadata name (brackets allowed); null when it may be reached. */
  checkHost(hostname: string): UpstreamError | null;
  /** `dns.lookup` that fails with an `UpstreamError` of kind `blocked` if any address of the name is refused. */
  lookup: LookupFunction;
}

/** @param resolve stands in for `dns.lookup` in tests. */
export function createAddressGuard(resolve: LookupFunction = dns.lookup as LookupFunction): AddressGuard {
  const blocked = createBlockList();

  function isBlocked(address: string): boolean {
    const bare = address.split('%', 1)[0]!;
    const family = isIP(bare);
    return family !== 0 && blocked.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  }

  function refusal(hostname: string): UpstreamError {
    return new UpstreamError('blocked', `${hostname} is a link-local or metadata address and is not called`);
  }

  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      // One refused address refuses the name: which one a connection would pick is up to the operating system.
      if (addresses.some((entry) => isBlocked(entry.address))) return callback(refusal(hostname), '', 0);
      if (options.all) return callback(null, addresses);
      const first = addresses[0];
      if (!first) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0);
      callback(null, first.address, first.family);
    });
  };

  return {
    checkHost(hostname) {
      const bare = hostname
        .replace(/^\[|\]$/g, '')
        .replace(/\.$/, '')
        .toLowerCase();
      return METADATA_NAMES.has(bare) || isBlocked(bare) ? refusal(hostname) : null;
    },
    lookup,
  };
}
