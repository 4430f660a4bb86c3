/** Machines that only play to be confidential: `simulated`, and the C++ stand-in. Neither is ever inferred. */
import { toHex } from '../bytes.ts';
import type { FakeTdxPolicy, SimulatedPolicy } from '../policy/policy.ts';
import { registerFaults, registersInHex } from '../policy/registers.ts';
import { imageFaults, platformFaults } from '../policy/rules.ts';
import type { Failure } from '../verdict.ts';
import type { JudgedMachine, Machine } from './machine.ts';
import { simulatedImageHash, verifySimulated } from './simulated.ts';
import type { JudgeOptions } from './trust.ts';

export function judgeSimulated(data: Uint8Array, policy: SimulatedPolicy, options: JudgeOptions): JudgedMachine {
  const { crypto, platformPeers } = options;
  const verdict = verifySimulated(data, policy.roots, crypto);
  const failures: Failure[] = verdict.ok ? [] : [...verdict.failures];
  if (verdict.report === undefined) return { failures };
  const { platformKey, measurement, reportData } = verdict.report;
  const platform = crypto.hash('sha256', platformKey);
  const imageHash = simulatedImageHash(measurement, crypto);
  const machine: Machine = {
    tier: 'simulated',
    attestation: 'simulated',
    genuine: verdict.ok,
    imageHash,
    measurements: { measurement: toHex(measurement) },
    advisories: [],
    platform,
    reportData,
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
  failures.push(...imageFaults(policy.measurements, imageHash));
  failures.push(...platformFaults(policy.platforms, platform, platformPeers));
  return { machine, failures };
}

/** The "quote" is REPORTDATA alone, and every register reads as zero. */
const FAKE_QUOTE_BYTES = 64;
const zeros = new Uint8Array(48);
const fakeRegisters = { mrTd: zeros, rtmr: [zeros, zeros, zeros, zeros], collateralRootHash: zeros };

export function isFakeQuote(quote: Uint8Array): boolean {
  return quote.length === FAKE_QUOTE_BYTES;
}

export function judgeFake(data: Uint8Array, policy: FakeTdxPolicy, { crypto }: JudgeOptions): JudgedMachine {
  if (!isFakeQuote(data)) {
    return {
      failures: [
        {
          code: 'POLICY_NOT_FAKE',
          message: `the policy asks for the stand-in of ${FAKE_QUOTE_BYTES} bytes, and this quote has ${data.length}`,
          fix: 'judge real machines by a policy of type tdx',
        },
      ],
    };
  }
  const imageHash = crypto.hash('sha256', new Uint8Array(448));
  const machine: Machine = {
    tier: 'simulated',
    attestation: 'fake_tdx',
    genuine: true, // as much as a stand-in can be
    imageHash,
    measurements: registersInHex(fakeRegisters),
    advisories: [],
    reportData: data,
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
  return {
    machine,
    failures: [...imageFaults(policy.measurements, imageHash), ...registerFaults(policy, fakeRegisters)],
  };
}
