/** What a guarded `fetch` throws for an address that it will not connect to. The message says why, in one line. */
export class EgressRefused extends Error {
  override readonly name = "EgressRefused";
}

/** A request that brought no answer, for a reason that the network or the egress guard gave. */
export interface NetworkFailure {
  readonly kind: "failure";
  readonly class: "egress-refused" | "connect-failed" | "connection-lost";
  /** One line for people. */
  readonly detail: string;
}

const MAX_DETAIL_LENGTH = 200;

// What Node and Deno call a connection that never stood: nothing of the request can have arrived.
const CONNECT_CODES =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ERR_(TLS|SSL)_\w+|CERT_\w+|\w+_CERT\w*)$/;
// Deno's fetch says in its text alone how far it came, and writes the URL before that.
const DENO_FETCH_TEXT = /client error \((\w+)\): (.*)$/s;

/**
 * Reads an error of `fetch`. Where the text or the code of an unknown kind leaves it open, the request may have
 * arrived (`connection-lost`). Only the attempt log depends on which it is; both are tried again alike.
 */
export function describeNetworkFailure(error: unknown): NetworkFailure {
  const chain = causes(error);
  const refusal = chain.find((cause) => cause instanceof EgressRefused);
  if (refusal !== undefined) return failure("egress-refused", refusal.message);
  for (const cause of chain) {
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
  return { kind: "failure", class: kind, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

/** The error and what it says caused it, outermost first. */
function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let next = error; next instanceof Error && !chain.includes(next); next = next.cause) {
    chain.push(next);
  }
  return chain;
}
