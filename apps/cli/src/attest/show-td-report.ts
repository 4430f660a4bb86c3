/** TDREPORT: what a TD says of itself to its own machine. Nothing outside can check it. Source: attestation.md §5.4. */
import { createHash } from 'node:crypto';
import { hex, present, register, type View } from './view.ts';

const TDX_TYPE = 0x81;
/** Offsets of the whole structure. */
const At = {
  cpuSvn: 16,
  tcbInfoHash: 32,
  tdInfoHash: 80,
  reportData: 128,
  tcbInfo: 256,
  tdInfo: 512,
  end: 1_024,
} as const;
const TCB_INFO_BYTES = 239;
/** A copy that lacks its head, as a published one does. */
const HEAD_BYTES = 48;

export function viewTdReport(bytes: Uint8Array): View {
  const missing = bytes[0] !== TDX_TYPE && agrees(bytes, HEAD_BYTES) ? HEAD_BYTES : 0;
  const take = (at: number, length: number) => bytes.subarray(Math.max(0, at - missing), at - missing + length);
  const info = (at: number, length: number) => take(At.tdInfo + at, length);
  const rtmr = [0, 1, 2, 3].map((index) => info(208 + 48 * index, 48));
  const registers = {
    tdAttributes: info(0, 8),
    xfam: info(8, 8),
    mrTd: info(16, 48),
    mrConfigId: info(64, 48),
    mrOwner: info(112, 48),
    mrOwnerConfig: info(160, 48),
  };
  const reportData = take(At.reportData, 64);
  const hashes = agrees(bytes, missing) ? 'agree with its contents' : 'do not agree with its contents';
  const head =
    missing > 0
      ? `its first ${missing} bytes are missing`
      : bytes[0] === TDX_TYPE
        ? 'whole'
        : `no TDREPORT: type ${bytes[0]}`;
  return {
    title: 'TDREPORT: meant for its own machine, whose key made its MAC; it proves nothing elsewhere',
    json: {
      head,
      hashesAgree: agrees(bytes, missing),
      ...Object.fromEntries(Object.entries(registers).map(([name, value]) => [name, hex(value)])),
      rtmr: rtmr.map(hex),
      reportData: hex(reportData),
      teeTcbSvn: hex(take(At.tcbInfo + 8, 16)),
      mrSeam: hex(take(At.tcbInfo + 24, 48)),
    },
    rows: present([
      ['structure', head],
      ['hashes in it', hashes],
      ['MRTD', register(registers.mrTd)],
      ...rtmr.map((value, at) => [`RTMR${at}`, register(value)] as const),
      ['MRCONFIGID', register(registers.mrConfigId)],
      ['MROWNER', register(registers.mrOwner)],
      ['MROWNERCONFIG', register(registers.mrOwnerConfig)],
      ['TD attributes', hex(registers.tdAttributes)],
      ['XFAM', hex(registers.xfam)],
      ['MRSEAM', register(take(At.tcbInfo + 24, 48))],
      ['report data', register(reportData)],
    ]),
  };
}

/** The head holds the hashes of both other parts; of a headless copy, half of one hash is left. */
function agrees(bytes: Uint8Array, missing: number): boolean {
  const parts = [
    [At.tcbInfoHash, At.tcbInfo, TCB_INFO_BYTES],
    [At.tdInfoHash, At.tdInfo, At.end - At.tdInfo],
  ] as const;
  return parts.every(([hashAt, at, length]) => {
    const hash = createHash('sha384')
      .update(bytes.subarray(at - missing, at - missing + length))
      .digest();
    const lost = Math.max(0, missing - hashAt);
    const kept = bytes.subarray(hashAt + lost - missing, hashAt + 48 - missing);
    return hash.subarray(lost).equals(kept);
  });
}
