/** What the contact centre is asked, and on whose behalf. */
export interface UpstreamRequest {
  /** The verified agent who asks: whose credentials, cookies and CSRF token go upstream. */
  readonly agentId: string;
  readonly method: "GET" | "POST";
  /** Starts with `/api/v2/`; made of constants and checked ids, never of text a client chose freely. */
  readonly path: string;
  /** The query string as the client sent it, with its `?`, or empty. */
  readonly search: string;
  /** The client's headers; only those of the allow-list go on. */
  readonly untrustedHeaders: Headers;
  /** Sent on byte for byte. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly requestId: string;
  readonly clientIp: string | null;
  /** The scheme and authority by which the client reached Patchbay. */
  readonly forwardedProto: string;
  readonly forwardedHost: string | null;
  /** The client's `authorization`; goes on in mode `forward` only. */
  readonly authorization: string | null;
  /** When that ends; null: not known. */
  readonly authorizationExpiresAtMs: number | null;
  /** Aborts when the client goes away; the upstream call is then cancelled too. */
  readonly signal: AbortSignal;
}

/** Upstream's answer, whole. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Fit to be sent to the client. */
  readonly headers: Headers;
  /** Decoded where upstream compressed it; empty for a status that has no body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The answer's `Date` in Unix milliseconds (whole seconds), null without one. */
  readonly dateMs: number | null;
}
