/** More questions than these at once only wait for each other in the store's connection. */
const AT_ONCE = 32;

/** Does the same for all, some at a time. */
export async function inParts<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < all.length; start += AT_ONCE) {
    await Promise.all(all.slice(start, start + AT_ONCE).map(run));
  }
}
