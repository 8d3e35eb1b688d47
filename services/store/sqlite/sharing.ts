/**
 * Takes up to `limit` items, one of each list in turn, so that a sink with a thousand due lanes
 * leaves room for one with a single lane.
 */
export function shareBySink<T>(lists: readonly (readonly T[])[], limit: number): T[] {
  const taken: T[] = [];
  for (let round = 0; taken.length < limit; round++) {
    const items = lists.flatMap((list) => list.slice(round, round + 1));
    if (items.length === 0) break;
    taken.push(...items.slice(0, limit - taken.length));
  }
  return taken;
}
