/** Every bound of this package. Times in milliseconds. */

/** Largest quote or report taken from the kernel. */
export const MAX_QUOTE_BYTES = 131_072;
/** For one quote, the wait for the slot included. */
export const QUOTE_TIMEOUT_MS = 30_000;
/** Requests that wait for the slot. */
export const WAITING_QUOTES = 16;

/** The collecting program of GPU evidence: its time, and what it may print. */
export const GPU_TIMEOUT_MS = 60_000;
export const MAX_GPU_OUTPUT_BYTES = 8_388_608;
/** GPUs in one machine. */
export const MAX_GPUS = 64;

/** One request for collateral, from its start to the last byte of the answer. */
export const FETCH_STEP_MS = 10_000;
/** One record, over all requests and endpoints. */
export const FETCH_TOTAL_MS = 30_000;
/** Largest answers that are read. */
export const MAX_COLLATERAL_ANSWER_BYTES = 524_288;
export const MAX_RIM_ANSWER_BYTES = 2_097_152;
/** Headers of an answer: issuer chains come in one. */
export const MAX_HEADER_BYTES = 65_536;
/** Connections to one endpoint. */
export const ENDPOINT_CONNECTIONS = 4;
/** An endpoint that failed is asked last for so long. */
export const AVOID_MS = 60_000;
/** Records fetched at once, and those that wait. */
export const FETCHES = 4;
export const WAITING_FETCHES = 32;
/** Fetches for needs nobody had before, which strangers bring: over all of them, and for each address. */
export const NEW_NEEDS = { perSecond: 1, burst: 32 };
export const NEW_NEEDS_EACH = { perSecond: 0.25, burst: 8 };
/** Records of one kind: platforms and reference values; chips, of which each machine has one of its own. */
export const MAX_RECORDS = 256;
export const MAX_CHIPS = 4_096;
/** Largest record on disk or in a bundle. */
export const MAX_RECORD_BYTES = 1_048_576;
/** What could not be had is not asked for again for so long; so many of these are remembered. */
export const NEGATIVE_MS = 10_000;
export const MAX_NEGATIVES = 1_024;
/** Below this a warning is logged, at 0 nothing is accepted. */
export const WARN_BEFORE_MS = 3 * 86_400_000;
/** Between looks at what has to be fetched again. */
export const REFRESH_LOOK_MS = 60_000;
/** After a refresh that failed, doubling up to the longest. */
export const REFRESH_RETRY_MS = 60_000;
export const MAX_REFRESH_RETRY_MS = 3_600_000;

/** A file of an offline bundle, and files in its folder. */
export const MAX_BUNDLE_BYTES = 16_777_216;
export const MAX_BUNDLE_FILES = 4_096;

/** Threads that judge, tasks that wait for one, and how many of these one address may have. */
export const JUDGE_THREADS = 1;
export const WAITING_TASKS = 512;
export const WAITING_TASKS_PER_ADDRESS = 16;
/** One task in a thread; then the thread is ended. */
export const TASK_TIMEOUT_MS = 10_000;
/** One verdict, collateral included. */
export const VERDICT_TIMEOUT_MS = 30_000;
/** Heap of one thread, in MiB. */
export const THREAD_HEAP_MIB = 192;
/** Verdicts asked for by one address, and addresses remembered. */
export const VERDICT_RATE = { perSecond: 8, burst: 64 };
export const MAX_ADDRESSES = 16_384;
/** Verdicts under way, and what was shown for all of them. */
export const MAX_VERDICTS = 512;
export const MAX_VERDICT_BYTES = 67_108_864;
/** Verdicts remembered: how many, how large together, and for how long, good and bad. */
export const MAX_CACHED_VERDICTS = 4_096;
export const MAX_CACHED_BYTES = 16_777_216;
export const VERDICT_AGE_MS = 3_600_000;
export const REFUSAL_AGE_MS = 5_000;
