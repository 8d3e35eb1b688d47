/** A page by its place in the order of ids: `cursor` is the last id of the page before. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** Makes a page of up to `limit` + 1 items in the order of their ids. The one too many only says that there are more. */
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
