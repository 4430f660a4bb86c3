/** Bounds of this package, in bytes and milliseconds; docs/limits.md lists them. */

/** Most TCP connections of one listener, handshakes included; the next one is closed at once. */
export const MAX_CONNECTIONS = 1024;
/** Most connections of one listener that are still shaking hands. */
export const MAX_HANDSHAKES = 128;
/** Least time from the beginning of one TLS handshake of a listener to the next: fifty a second. */
export const HANDSHAKE_GAP_MS = 20;
/** Most handshakes of one listener with one address; not applied behind a router, where all come from loopback. */
export const MAX_HANDSHAKES_PER_ADDRESS = 32;

/** TCP connect, and the SOCKS5 exchange. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Proof of work, for both sides: solving 2^20 hashes takes about a second. */
export const POW_TIMEOUT_MS = 20_000;
export const TLS_TIMEOUT_MS = 10_000;
/** `tcp.connect` and `tcp.connected`, once bytes can flow. */
export const OPENING_TIMEOUT_MS = 10_000;
/** Peer-info frame: behind a router's SOCKS5 entry it comes only after connect, proof of work and TLS over there. */
export const PEER_INFO_TIMEOUT_MS = 40_000;
/** All steps of connecting together. */
export const CONNECT_TOTAL_TIMEOUT_MS = 50_000;

/** Difficulty a listener asks for, and the most a connector solves, unless told otherwise; in bits. */
export const DEFAULT_DIFFICULTY = 20;
export const DEFAULT_MAX_DIFFICULTY = 28;
/** Puzzles solved at once in this process (one thread each), and those that wait for a thread. */
export const MAX_SOLVERS = 2;
export const MAX_WAITING_PUZZLES = 64;

/** The connecting side sends a ping this often, whatever else flows. */
export const PING_INTERVAL_MS = 10_000;
/** Silence after which each side gives up. Any received byte counts, so that a slow 16 MiB packet survives. */
export const SILENCE_CONNECTING_MS = 20_000;
export const SILENCE_ACCEPTING_MS = 60_000;
/** While we do not read, the accepting side says so this often: a C++ connector leaves after 20 s without a packet. */
export const BUSY_PONG_INTERVAL_MS = 5_000;
/** Bytes wait to be written and the peer takes none of them for so long. */
export const WRITE_STALL_MS = 60_000;

/** `send` returns false above this many unwritten bytes… */
export const HIGH_WATER_BYTES = 256 * 1024;
/** …and `drained` resolves below this many. */
export const LOW_WATER_BYTES = 64 * 1024;
/** The accepting side stops reading a peer that leaves this much unread; polite senders stop at the high-water mark. */
export const STOP_READING_BYTES = 4 * 1024 * 1024;
/** Unwritten bytes at which the connection is given up: four packets of the largest size. */
export const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/** Our own open queries per connection, and the peer's that we work on; both are refused above. */
export const MAX_OPEN_QUERIES = 256;
export const MAX_INCOMING_QUERIES = 256;

/** A closed connection may take this long to write what was sent before. */
export const LINGER_MS = 2_000;

/** Reconnection: the first try comes within `FIRST`, later ones double, with jitter, up to `MAX`. */
export const RECONNECT_FIRST_MS = 250;
export const RECONNECT_MAX_MS = 10_000;

/** Fresh evidence of one side, as encoded. */
export { MAX_EVIDENCE_BYTES } from '@bombyx/attest';
/** Nonces and evidence bundles, each read and each bundle of our own, right after TLS. */
export const EVIDENCE_TIMEOUT_MS = 20_000;
/** A verdict on a peer, the wait for its turn included. */
export const JUDGE_TIMEOUT_MS = 20_000;
/** Peers of one listener that are judged at once, and that wait for it. */
export const MAX_JUDGED = 8;
export const MAX_WAITING_JUDGEMENTS = 128;
/** Bundles that one process makes at once, and that wait for it: behind most of them is one slow device. */
export const MAX_PROOFS = 4;
export const MAX_WAITING_PROOFS = 128;
/** Longest reason of a refusal told to a peer, in bytes. */
export const MAX_REFUSAL_BYTES = 1_024;

/** A peer proves itself anew this often, less up to a quarter, or before its verdict ends. */
export const REATTEST_EVERY_MS = 30 * 60_000;
export const REATTEST_TIMEOUT_MS = 60_000;
/** A peer may ask us for a proof again after this long; sooner it is refused. */
export const LEAST_PROOF_INTERVAL_MS = 10_000;
