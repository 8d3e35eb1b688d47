/** A map that forgets its least recently used entry when it would grow past its bound. */
export interface LruMap<Key, Value> {
  /** The value, which thereby becomes the most recently used; undefined when there is none. */
  get(key: Key): Value | undefined;
  /** Stores the value as the most recently used. */
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  readonly size: number;
}

/**
 * An {@link LruMap} of at most `maxEntries`.
 * @throws RangeError when `maxEntries` is not a positive integer
 */
export function createLruMap<Key, Value>(maxEntries: number): LruMap<Key, Value> {
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new RangeError(`Cannot bound a map to ${maxEntries} entries: expected 1 or more`);
  }
  // A Map iterates in insertion order (ECMA-262 §24.1.3.5), so its first key is the one unused for longest.
  const entries = new Map<Key, Value>();

  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > maxEntries) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
    },
    delete: (key) => void entries.delete(key),
    get size() {
      return entries.size;
    },
  };
}
