/** What a policy asks of any enclave, whoever made it. Source: attestation.md §8.3. */
import { toHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import type { Failure } from '../verdict.ts';
import type { AdmittedImage, EnclaveRules, Listed, PlatformRules } from './policy.ts';

/** @param seen the image as the evidence shows it. @returns the entry that admits it, if the list has one */
export function admittedImage(list: Listed<AdmittedImage>, seen: Uint8Array): AdmittedImage | undefined {
  if (typeof list === 'string') return undefined;
  const hex = toHex(seen);
  return list.find(({ imageHash }) => imageHash === hex);
}

export function* imageFaults(list: Listed<AdmittedImage>, seen: Uint8Array): Generator<Failure> {
  if (list === 'root-contract') yield listMissing('image hashes');
  else if (list !== 'any' && admittedImage(list, seen) === undefined) {
    yield {
      code: 'POLICY_IMAGE',
      message: `the image ${toHex(seen)} is not allowed`,
      fix: 'run an image that the root contract (or the policy) lists, or have this one listed after reviewing it',
    };
  }
}

/** Asked of workers: the others serve no model of their own. */
export function* modelFaults(
  { models }: Pick<EnclaveRules, 'models'>,
  { model, modelHash }: { readonly model?: string; readonly modelHash?: Uint8Array },
): Generator<Failure> {
  if (models === 'any') return;
  if (modelHash === undefined) {
    yield {
      code: 'POLICY_MODEL_MISSING',
      message: 'the claims of the worker name no model',
      fix: 'configure the worker with the model it serves, as name@commit:hash',
    };
  }
  if (models === 'root-contract') yield listMissing('models');
  else if (modelHash !== undefined && !models.includes(toHex(modelHash))) {
    yield {
      code: 'POLICY_MODEL',
      message: `the model ${JSON.stringify(model)} is not allowed`,
      fix: 'serve a model that the root contract (or the policy) lists',
    };
  }
}

/** As the root contract lists models: SHA-256 of the whole text. 32 bytes. */
export function modelHashOf(model: string, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', utf8(model));
}

/**
 * @param platform SHA-256 that names the machine, undefined if the evidence does not tell
 * @param peers living connections to each platform, this one not counted
 */
export function* platformFaults(
  { allow, deny, maxPeers }: PlatformRules,
  platform: Uint8Array | undefined,
  peers: ReadonlyMap<string, number> | undefined,
): Generator<Failure> {
  if (allow === undefined && deny.length === 0 && maxPeers === undefined) return;
  if (platform === undefined) {
    yield { code: 'POLICY_PLATFORM', message: 'the evidence does not tell which platform it is from' };
    return;
  }
  const hex = toHex(platform);
  if (deny.includes(hex)) yield { code: 'POLICY_PLATFORM', message: `the platform ${hex} is on the deny list` };
  if (allow !== undefined && !allow.includes(hex)) {
    yield {
      code: 'POLICY_PLATFORM',
      message: `the platform ${hex} is not on the allow list`,
      fix: 'add it to "platforms.allow" once you know where the machine stands',
    };
  }
  if (maxPeers === undefined) return;
  if (peers === undefined) yield { code: 'POLICY_PLATFORM_PEERS', message: 'nobody counts the peers of a platform' };
  else if ((peers.get(hex) ?? 0) >= maxPeers) {
    yield {
      code: 'POLICY_PLATFORM_PEERS',
      message: `the platform ${hex} has ${maxPeers} ${maxPeers === 1 ? 'connection' : 'connections'} already`,
      fix: 'a second machine under one identity points to an extracted key; raise "platforms.maxPeers" only if it is not one',
    };
  }
}

function listMissing(what: string): Failure {
  return {
    code: 'POLICY_LIST_MISSING',
    message: `the list of ${what} from the root contract has not arrived`,
    fix: 'check that the TON API answers, or list them in the policy',
  };
}
