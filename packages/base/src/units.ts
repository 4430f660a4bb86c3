declare const unit: unique symbol;
/** A value that must not be mixed with another kind. The brand exists for the compiler only. */
export type Branded<T, Name extends string> = T & { readonly [unit]: Name };
/** Nanotons; 1 TON = 1_000_000_000n. */
export type NanoTon = Branded<bigint, 'NanoTon'>;
/** Adjusted tokens: weighted by kind and price, what is billed and not what was counted. */
export type Tokens = Branded<bigint, 'Tokens'>;

/** Largest value of a TL `long`. */
export const MAX_LONG = 0x7fff_ffff_ffff_ffffn;

/** The one door from a raw count. @throws {RangeError} outside 0..2^63-1, the range of a TL `long` */
export function tokens(count: bigint): Tokens {
  if (count < 0n || count > MAX_LONG) throw new RangeError(`tokens out of range: ${count}`);
  return count as Tokens;
}

/** The one door from a raw amount. @throws {RangeError} outside 0..2^63-1 */
export function nanoTon(amount: bigint): NanoTon {
  if (amount < 0n || amount > MAX_LONG) throw new RangeError(`nanotons out of range: ${amount}`);
  return amount as NanoTon;
}
