export { type AttestationConfig, attestationFields, policyName } from './attestation.ts';
export { doubledName } from './doubled-name.ts';
export { address, bytes32, describeFaults, flag, int, port, router, tonAmount } from './fields.ts';
export { makeFolder } from './folder.ts';
export { type TonApi, tonApi, tonApiFile, tonApiOf } from './ton-api.ts';
