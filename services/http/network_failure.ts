/** How a request came to nothing before anything of it had left. */
export type UnsentClass =
  | "egress-refused"
  | "name-not-found"
  | "resolver-failed"
  | "connect-failed"
  | "proxy-failed";

/** What a client throws as long as nothing of a request can have reached the other side. The message is one line for people. */
export class NotSent extends Error {
  override readonly name = "NotSent";

  constructor(readonly kind: UnsentClass, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Why a request brought no answer, as the network or the egress guard gave it. */
export interface NetworkFailure {
  readonly class: UnsentClass | "connection-lost";
  /** Whether the other side may have got the request and acted on it. */
  readonly reached: "never" | "maybe";
  /** What kept a connection from being made, where that is told. */
  readonly obstacle: "name-not-resolved" | "refused" | null;
  /** One line for people. */
  readonly detail: string;
}

const MAX_DETAIL_LENGTH = 200;

// What Node and Deno call a connection that never stood: nothing of the request can have arrived.
const CONNECT_CODES =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ERR_(TLS|SSL)_\w+|CERT_\w+|\w+_CERT\w*)$/;

/**
 * Deno gives its fetch errors no code. It says how far a request came in the text of the cause alone, by the kind of the
 * hyper error, and writes the URL before that. `Connect` covers name resolution, the TCP handshake and TLS, all of them
 * before the first byte of the request. `SendRequest` says nothing of the sort: it also stands for a connection that
 * closed while the answer was awaited. Tests hold this against real sockets, so a Deno that words it differently turns
 * them red.
 */
const DENO_FETCH_TEXT = /client error \((\w+)\): (.*)$/s;

/**
 * Reads an error of `fetch`. Where neither text nor code tells how far the request came, it may have arrived
 * (`connection-lost`).
 */
export function readNetworkFailure(error: unknown): NetworkFailure {
  const chain = causes(error);
  const unsent = chain.find((cause) => cause instanceof NotSent);
  if (unsent !== undefined) return failure(unsent.kind, unsent.message);
  for (const cause of chain) {
    // Without the permission to connect, a request never leaves the process.
    if (cause instanceof Deno.errors.NotCapable) return failure("connect-failed", cause.message);
    const [, stage, text] = DENO_FETCH_TEXT.exec(cause.message) ?? [];
    if (text !== undefined) {
      return failure(stage === "Connect" ? "connect-failed" : "connection-lost", text);
    }
    const code = "code" in cause ? String(cause.code) : "";
    if (CONNECT_CODES.test(code)) return failure("connect-failed", `${code}: ${cause.message}`);
  }
  return failure("connection-lost", chain.at(-1)?.message ?? String(error));
}

function failure(kind: NetworkFailure["class"], detail: string): NetworkFailure {
  return {
    class: kind,
    reached: kind === "connection-lost" ? "maybe" : "never",
    obstacle: obstacleIn(kind, detail),
    detail: detail.slice(0, MAX_DETAIL_LENGTH),
  };
}

function obstacleIn(
  kind: NetworkFailure["class"],
  detail: string,
): NetworkFailure["obstacle"] {
  if (kind === "name-not-found" || kind === "resolver-failed") return "name-not-resolved";
  if (kind !== "connect-failed") return null;
  if (/dns error|^ENOTFOUND|^EAI_/.test(detail)) return "name-not-resolved";
  return /refused|^ECONNREFUSED/.test(detail) ? "refused" : null;
}

/** The error and what it says caused it, outermost first. */
function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let next = error; next instanceof Error && !chain.includes(next); next = next.cause) {
    chain.push(next);
  }
  return chain;
}
