/** What every simulator's handle has: where it listens, and how it stops. */
export interface Simulator extends AsyncDisposable {
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** Stops listening, breaks open connections and settles what waits; safe to call more than once. */
  close(): Promise<void>;
}

/** Options that every simulator takes. */
export interface ListenOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
}

/** Random numbers in [0, 1), for ids. */
export type Random = () => number;

const HEX = "0123456789abcdef";
const UPPER_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** `length` random lower-case hexadecimal digits. */
export function randomHex(random: Random, length: number): string {
  return randomText(random, HEX, length);
}

/** `length` random upper-case letters and digits. */
export function randomAlphanumeric(random: Random, length: number): string {
  return randomText(random, UPPER_ALPHANUMERIC, length);
}

function randomText(random: Random, alphabet: string, length: number): string {
  const pick = () => alphabet.charAt(Math.floor(random() * alphabet.length));
  return Array.from({ length }, pick).join("");
}
