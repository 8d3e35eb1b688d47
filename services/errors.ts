/**
 * Every refusal and failure that a client can see, one class per meaning.
 * `code` is the stable name of the contract (DESIGN §7); `middleware/problem_details.ts`
 * is the one place that turns these into HTTP.
 */
export type ProblemCode =
  | "unauthenticated"
  | "insufficient-scope"
  | "not-your-session"
  | "session-held"
  | "keys-unavailable"
  | "store-unavailable"
  | "upstream-unavailable"
  | "upstream-timeout"
  | "invalid-body"
  | "invalid-parameter"
  | "body-too-large"
  | "request-timeout"
  | "headers-too-large"
  | "unsupported-media-type"
  | "range-not-satisfiable"
  | "not-found"
  | "method-not-allowed"
  | "rate-limited"
  | "overloaded"
  | "idempotency-conflict"
  | "idempotency-mismatch"
  | "webhook-url-refused"
  | "internal-error";

/** What a {@link PatchbayError} carries beside its message. */
export interface ProblemOptions extends ErrorOptions {
  /** Answer headers that belong to this refusal, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The base of all of them. The message is shown to clients: it holds no secret and nothing of another agent's. */
export abstract class PatchbayError extends Error {
  abstract readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, options: ProblemOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.headers = options.headers ?? {};
  }
}

/** No token, or one that does not prove who is calling. Carries the `WWW-Authenticate` of RFC 6750 §3. */
export class Unauthenticated extends PatchbayError {
  readonly code = "unauthenticated";
  /** Why an agent's token was refused, in a stable word for the log and the metrics; null where it is not about one. */
  readonly refusal: string | null;

  constructor(
    message: string,
    { refusal = null, ...options }: ProblemOptions & { readonly refusal?: string | null } = {},
  ) {
    super(message, options);
    this.refusal = refusal;
  }
}

/** The token is good but lacks a scope (RFC 6750 §3.1). */
export class InsufficientScope extends PatchbayError {
  readonly code = "insufficient-scope";
}

/** Another agent holds the session that the operation is for. */
export class NotYourSession extends PatchbayError {
  readonly code = "not-your-session";
}

/** Accept on a session that another agent holds or is just accepting. */
export class SessionHeld extends PatchbayError {
  readonly code = "session-held";
}

/** No key set could be had and none is cached: the fault is ours, not the token's. */
export class KeysUnavailable extends PatchbayError {
  readonly code = "keys-unavailable";
}

/** The store did not answer, or not in time. The message names the operation, never the values. */
export class StoreUnavailable extends PatchbayError {
  readonly code = "store-unavailable";

  constructor(operation: string, options: ProblemOptions = {}) {
    super(`Cannot ${operation}: the store is unavailable`, {
      headers: { "retry-after": "2" },
      ...options,
    });
  }
}

/** Upstream could not be reached, or broke off. */
export class UpstreamUnavailable extends PatchbayError {
  readonly code = "upstream-unavailable";
  /** `never`: the request surely did not reach upstream; `maybe`: it may have acted. */
  readonly reached: "never" | "maybe";

  constructor(message: string, reached: "never" | "maybe", options: ProblemOptions = {}) {
    super(message, options);
    this.reached = reached;
  }
}

/** Upstream did not answer, body included, within the deadline; it may have acted. */
export class UpstreamTimeout extends PatchbayError {
  readonly code = "upstream-timeout";
}

/** The body is not what the route reads; the message says which member and what was expected. */
export class InvalidBody extends PatchbayError {
  readonly code = "invalid-body";
}

/** A member or query parameter is missing or has a value that it cannot have. */
export class InvalidParameter extends PatchbayError {
  readonly code = "invalid-parameter";
}

/** The body is longer than the route reads. */
export class BodyTooLarge extends PatchbayError {
  readonly code = "body-too-large";
}

/** The body did not come in the time that it is waited for (RFC 9110 §15.5.9). */
export class RequestTimeout extends PatchbayError {
  readonly code = "request-timeout";
}

/** The headers are more than is read (RFC 6585 §5). */
export class HeadersTooLarge extends PatchbayError {
  readonly code = "headers-too-large";
}

/** The body is not of a media type that the route reads. */
export class UnsupportedMediaType extends PatchbayError {
  readonly code = "unsupported-media-type";
}

/** Nothing is there at the range of bytes that was asked for (RFC 9110 §15.5.17). */
export class RangeNotSatisfiable extends PatchbayError {
  readonly code = "range-not-satisfiable";
}

/** Nothing is here, or nothing that the caller may know of. */
export class NotFound extends PatchbayError {
  readonly code = "not-found";
}

/** The route exists, with other methods; carries `Allow` (RFC 9110 §15.5.6). */
export class MethodNotAllowed extends PatchbayError {
  readonly code = "method-not-allowed";

  /** @param untrustedMethod may be any word, as long as its sender likes */
  constructor(untrustedMethod: string, allowed: readonly string[]) {
    super(`Cannot use ${untrustedMethod.slice(0, 16)} here: expected ${allowed.join(" or ")}`, {
      headers: { allow: allowed.join(", ") },
    });
  }
}

/** The caller's token bucket is empty. */
export class RateLimited extends PatchbayError {
  readonly code = "rate-limited";
}

/** There is more to do than there is room for. Nothing was done. */
export class Overloaded extends PatchbayError {
  readonly code = "overloaded";

  constructor() {
    super("Cannot take this request in: there is no room for more work at present", {
      headers: { "retry-after": "1" },
    });
  }
}

/** The first request with the idempotency key is still under way, or its answer was too long to be kept. */
export class IdempotencyConflict extends PatchbayError {
  readonly code = "idempotency-conflict";
}

/** The idempotency key was first used with another body. */
export class IdempotencyMismatch extends PatchbayError {
  readonly code = "idempotency-mismatch";
}

/** The egress guard refused a webhook's URL; the message says why. */
export class WebhookUrlRefused extends PatchbayError {
  readonly code = "webhook-url-refused";
}
