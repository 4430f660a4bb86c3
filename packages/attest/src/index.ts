export { equalBytes } from './bytes.ts';
export type { AttestCrypto, HashName, PublicKey, SignatureScheme, VerifyKey } from './crypto/port.ts';
export { MalformedError } from './malformed.ts';
export {
  type CertificateVerdict,
  CLAIMS_OID,
  ed25519Of,
  judgeCertificate,
  QUOTE_OID,
  type Role,
  SERVER_NAME,
} from './ra-tls.ts';
export { type Certificate, readCertificate } from './x509/certificate.ts';
