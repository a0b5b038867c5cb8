/** TLS that trusts further authorities. Made once: reading some hundred certificates for each connection would cost it dearly. */
import type { SecureContext } from "node:tls";

/** Undefined when there are none: then the usual ones do. */
export function trustedContext(certificates: readonly string[]): SecureContext | undefined {
  if (certificates.length === 0) return undefined;
  const tls = process.getBuiltinModule("node:tls");
  return tls.createSecureContext({ ca: [...tls.getCACertificates("default"), ...certificates] });
}
