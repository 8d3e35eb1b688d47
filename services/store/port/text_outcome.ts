/** How far a text of several parts got: `delivered` once all of them are. */
export interface TextOutcome {
  readonly kind: "sent" | "delivered" | "undelivered";
  /** The provider's code of a text that is undelivered, where it gave one. */
  readonly errorCode?: number;
}
