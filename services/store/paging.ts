import type { Page } from "./port.ts";

/** A page out of up to `limit` + 1 items ordered by id: the one too many only says that there is more. */
export function page<T extends { readonly id: string }>(
  items: readonly T[],
  limit: number,
): Page<T> {
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown,
    nextCursor: items.length > limit && last !== undefined ? last.id : null,
  };
}
