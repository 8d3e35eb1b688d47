/** Keyset pagination: ordered by id, `cursor` is the last id of the page before. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

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
