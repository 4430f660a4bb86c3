/** Bounds of this part, in milliseconds and counts; docs/limits.md lists them. */

/** Most connections of one port, those that are still being set up included; the next one is closed at once. */
export const MAX_CONNECTIONS = 1_024;
/** Most connections of one port that are still being set up. */
export const MAX_HANDSHAKES = 128;
/** Most of them from one address, on a port that strangers reach. */
export const MAX_HANDSHAKES_PER_ADDRESS = 32;
/** Peers of one port that are judged at once. */
export const MAX_JUDGED = 32;
/** Ports of one router, and policies of one file. */
export const MAX_PORTS = 64;
export const MAX_POLICIES = 64;
/** Values of one list of a policy. */
export const MAX_LIST = 1_024;

/** A program on this machine has so long for its SOCKS5 request. */
export const SOCKS_TIMEOUT_MS = 10_000;
/** TCP to the other side. Below the ten seconds after which a C++ runner gives its SOCKS5 request up. */
export const DIAL_TIMEOUT_MS = 8_000;
/** Nothing moves in either direction for so long: packet connections say something every ten seconds. */
export const IDLE_MS = 10 * 60_000;
/** Bytes wait for a reader that takes none of them. */
export const STALL_MS = 60_000;
/** How often a tunnel looks whether either has happened. */
export const CHECK_MS = 15_000;
/** One side is done: what it sent may take so long to be written to the other. */
export const LINGER_MS = 5_000;

/** Certificate files are looked at this often. */
export const RECHECK_MS = 60_000;
