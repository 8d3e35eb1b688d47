import type { ProblemCode } from "../services/errors.ts";

/** How a kind of problem looks over HTTP (DESIGN §7). */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Upstream's number for it, so that a client made for upstream can tell too. */
  readonly statusCode: number;
  /** One sentence for the page at `/problems/{code}`. */
  readonly explanation: string;
}

/** Every problem that a client can meet. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  "unauthenticated": {
    status: 401,
    title: "Not authenticated",
    statusCode: 20,
    explanation:
      "The request carries no token, or one that is bad, expired or revoked: get a new one and repeat it; if `detail` says so, the agent has left no credentials for the contact centre.",
  },
  "insufficient-scope": {
    status: 403,
    title: "Scope missing",
    statusCode: 5,
    explanation:
      "The token is good but lacks the scope that `www-authenticate` names; ask the issuer for it.",
  },
  "not-your-session": {
    status: 403,
    title: "Not your session",
    statusCode: 3,
    explanation:
      "Another agent holds the session; only its holder and participants may operate it.",
  },
  "session-held": {
    status: 409,
    title: "Session held",
    statusCode: 19,
    explanation:
      "Another agent holds the session or is just accepting it, so it cannot be accepted.",
  },
  "keys-unavailable": {
    status: 503,
    title: "Keys unavailable",
    statusCode: 4,
    explanation:
      "The issuer's keys cannot be had, so none of its tokens can be verified; repeat the request after `retry-after` seconds.",
  },
  "store-unavailable": {
    status: 503,
    title: "Store unavailable",
    statusCode: 4,
    explanation:
      "The store does not answer, so nothing can be recorded; repeat the request after `retry-after` seconds.",
  },
  "upstream-unavailable": {
    status: 502,
    title: "Upstream unavailable",
    statusCode: 4,
    explanation:
      "The contact centre (for media: the SMS provider) could not be reached, or broke off before it had answered.",
  },
  "upstream-timeout": {
    status: 504,
    title: "Upstream timed out",
    statusCode: 4,
    explanation:
      "The contact centre (for media: the SMS provider) did not answer in time; it may have acted all the same, so read the session before you repeat the request.",
  },
  "invalid-body": {
    status: 400,
    title: "Invalid body",
    statusCode: 1,
    explanation: "The body is not what the route reads; `detail` says what was expected.",
  },
  "invalid-parameter": {
    status: 400,
    title: "Invalid parameter",
    statusCode: 10,
    explanation:
      "A member or query parameter is missing or has a value that it cannot have; `detail` names it.",
  },
  "body-too-large": {
    status: 413,
    title: "Body too large",
    statusCode: 10,
    explanation: "The body is longer than the route reads; `detail` says how long it may be.",
  },
  "request-timeout": {
    status: 408,
    title: "Request timed out",
    statusCode: 10,
    explanation:
      "The body came too slowly, or not to its end, and nothing was done; the request may be repeated on another connection.",
  },
  "headers-too-large": {
    status: 431,
    title: "Headers too large",
    statusCode: 10,
    explanation:
      "The request has more header fields, or longer ones, than are read; `detail` says how many.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported media type",
    statusCode: 10,
    explanation: "The body is declared to be something other than plain JSON in UTF-8.",
  },
  "range-not-satisfiable": {
    status: 416,
    title: "Range not satisfiable",
    statusCode: 10,
    explanation:
      "Nothing is there at the range of bytes that was asked for; `content-range` tells how many there are, where that is known.",
  },
  "not-found": {
    status: 404,
    title: "Not found",
    statusCode: 6,
    explanation: "Nothing is here, or nothing that the caller may know of.",
  },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    statusCode: 3,
    explanation: "The path exists but not with this method; `allow` lists the ones it has.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    statusCode: 3,
    explanation:
      "The caller sends more requests than its share, or tried too often with bad credentials; wait `retry-after` seconds, and see `ratelimit` for what is left.",
  },
  "overloaded": {
    status: 503,
    title: "Overloaded",
    statusCode: 4,
    explanation:
      "There is more to do than Patchbay has room for, and nothing was done; repeat the request after `retry-after` seconds.",
  },
  "idempotency-conflict": {
    status: 409,
    title: "Idempotency key in use",
    statusCode: 2,
    explanation:
      "A request with the same idempotency key is still under way, or its answer was too long to be kept.",
  },
  "idempotency-mismatch": {
    status: 422,
    title: "Idempotency key used otherwise",
    statusCode: 2,
    explanation: "The idempotency key was used before with another body; take a new key.",
  },
  "webhook-url-refused": {
    status: 422,
    title: "Webhook URL refused",
    statusCode: 10,
    explanation:
      "Patchbay does not send to that URL; `detail` says why, and which variable lifts it where one does.",
  },
  "internal-error": {
    status: 500,
    title: "Internal error",
    statusCode: 4,
    explanation:
      "Patchbay failed in a way that nobody foresaw; report the `instance`, by which its log finds the cause.",
  },
};
