import type { Deadline } from "../http/deadline.ts";
import { exchange, type ExchangeFailure } from "../http/exchange.ts";
import { overFetch } from "../http/transport.ts";
import { isJsonObject, type JsonObject } from "../support/json_object.ts";

const MAX_BYTES = 256 * 1024;

/** An answer of another status than 200. */
export class UnexpectedStatus extends Error {
  override readonly name = "UnexpectedStatus";

  constructor(readonly status: number | undefined) {
    super(`expected status 200, got ${status}`);
  }
}

/**
 * Reads one JSON object of an issuer's, bounded in time by the deadline and in size. A redirect could lead anywhere, and
 * keys come from where the operator or the issuer says, so none is followed. Its errors have a reason fit for the log.
 */
export async function fetchJsonObject(
  { url, accept, fetch, deadline }: {
    readonly url: URL;
    readonly accept: string;
    readonly fetch: typeof globalThis.fetch;
    readonly deadline: Deadline;
  },
): Promise<JsonObject> {
  const exchanged = await exchange({ method: "GET", url, headers: { accept }, body: null }, {
    transport: overFetch(fetch),
    deadline,
    maxBodyBytes: MAX_BYTES,
    onHead: ({ status }) => status === 200,
  });
  if (exchanged.kind === "failure") throw reasonOf(exchanged);
  const untrusted: unknown = JSON.parse(
    new TextDecoder("utf-8", { fatal: true }).decode(exchanged.body),
  );
  if (!isJsonObject(untrusted)) throw new Error("expected a JSON object");
  return untrusted;
}

function reasonOf({ class: kind, begun, cause }: ExchangeFailure): unknown {
  switch (kind) {
    case "timeout":
      return new Error("expected an answer in time");
    case "too-long":
      return new Error(`expected at most ${MAX_BYTES} bytes`);
    case "unwanted":
      return new UnexpectedStatus(begun?.status);
    default:
      return cause;
  }
}
