import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== '';
  } catch {
    return false;
  }
}

/**
 * The TLS context of all connections under one set of settings; made once, as reading some 150 roots takes a while.
 * `certificates`: PEM, trusted beside Node's own roots; unreadable ones are skipped, as one of them would fail all.
 */
export function createSecureContext(certificates: readonly string[]): tls.SecureContext {
  const extra = certificates.filter(isCertificate);
  if (extra.length === 0) return tls.createSecureContext();
  // From Node 22.15; it also holds what NODE_EXTRA_CA_CERTS names.
  const getDefaults = (tls as { getCACertificates?(type: 'default'): string[] }).getCACertificates;
  return tls.createSecureContext({ ca: [...(getDefaults?.('default') ?? tls.rootCertificates), ...extra] });
}
