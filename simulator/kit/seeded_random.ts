/** The same numbers in [0, 1) for the same seed: xorshift32 (Marsaglia, 2003). `seed` counts modulo 2³². */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
