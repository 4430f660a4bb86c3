/** The chain of proofs behind our answers: of proxies as we judged them, of workers as their proxies did. */
import type { Tl } from '@bombyx/wire';
import type { ProxyProof, ShownProof, WorkerProof } from './api.ts';
import type { Session } from './session.ts';

const NOTHING: Buffer = Buffer.alloc(0);

/** @param evidence SHA-256 of the one worker's proof that is asked for; absent: all that the proxies have room for */
export function proofsOf(
  sessions: readonly Session[],
  evidence: Buffer | undefined,
  timeoutMs: number,
): Promise<ProxyProof[]> {
  return Promise.all(
    sessions.map(async (session): Promise<ProxyProof> => {
      const { peer } = session.connection;
      const { proof, publicKey = NOTHING, imageHash } = peer;
      const { nonce, exporter } = proof?.binding ?? {};
      const shown: ShownProof = {
        form: proof?.form ?? 'certificate',
        proof: proof?.bytes ?? NOTHING,
        publicKey,
        imageHash,
        ...(nonce && exporter ? { nonce: Buffer.from(nonce), exporter: Buffer.from(exporter) } : {}),
        policy: proof?.policy ?? 'any',
        judgedAtMs: proof?.judgedAtMs ?? 0,
      };
      const verdict = peer.attested && { verdict: peer.attested };
      const common = { address: `${peer.address}:${peer.port}`, tier: session.tier, shown, ...verdict };
      if (session.protoVersion < 4) {
        return { ...common, workers: [], trouble: `version ${session.protoVersion} knows no proofs of workers` };
      }
      try {
        const fn = { kind: 'bombyx.getWorkerProofs', evidence: evidence ?? NOTHING } as const;
        const answer = await session.connection.query(fn, { timeoutMs });
        if (answer.kind !== 'bombyx.workerProofs') return { ...common, workers: [], trouble: 'another kind of answer' };
        return { ...common, workers: answer.workers.map(read) };
      } catch (error) {
        return { ...common, workers: [], trouble: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

function read({
  worker,
  public_key,
  policy,
  judged_at,
  proof,
  nonce,
  exporter,
}: Tl<'bombyx.workerProof'>): WorkerProof {
  const bound = nonce && exporter;
  return {
    tier: worker.tier,
    model: worker.model,
    evidence: worker.evidence ?? NOTHING,
    shown: {
      form: bound ? 'fresh' : 'certificate',
      proof,
      publicKey: public_key,
      imageHash: worker.image_hash,
      ...(bound ? { nonce, exporter } : {}),
      policy,
      judgedAtMs: judged_at * 1_000,
    },
  };
}
