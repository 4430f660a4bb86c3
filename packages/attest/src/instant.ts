/** A time as people read it: ISO 8601 without milliseconds, or the number itself where no calendar has it. */
export function instant(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('.000Z', 'Z') : String(ms);
}
