/** An answer's headers, asked for by names in any case. */
export type HeadersView = Pick<Headers, "get" | "getSetCookie">;
