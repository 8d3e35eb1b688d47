import { readAtMost } from "../bounded_bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { PatchbayError, UpstreamTimeout, UpstreamUnavailable } from "../errors.ts";
import { singleSend } from "../single_send.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./exchange.ts";
import { answerHeaders, requestHeaders } from "./headers.ts";

export type { UpstreamAnswer, UpstreamRequest };

export interface Upstream {
  /**
   * Sends one request and buffers the answer. Any complete answer is a value, whatever its status.
   * Throws {@link UpstreamTimeout} or {@link UpstreamUnavailable}; nothing is retried.
   */
  call(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

export interface UpstreamOptions {
  /** `/api/v2/…` is appended. */
  readonly url: URL;
  readonly auth: Config["upstream"]["auth"];
  /** One deadline for all of a call: connecting, the headers, the last byte of the body. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  readonly clock?: Clock;
  /**
   * True where the platform traces (`OTEL_DENO`): Deno 2.9 then appends its own `traceparent` to the one it is handed,
   * and a list of two is no valid value (W3C Trace Context §3.2), so ours is left out.
   */
  readonly tracedByPlatform?: boolean;
}

/** No answer of the API comes near this; it bounds what one call can hold in memory, decompressed. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * The client of the contact centre's API.
 *
 * Plain `fetch` and not `hono/proxy`: that helper edits a copy of all headers, while here both directions start from
 * an empty set and an allow-list; it streams the body, while the deadline and the verdict need the whole answer; and it
 * throws a RangeError on a status that `Response` cannot be built with.
 */
export function createUpstream(
  { url, auth, timeoutMs, fetch, clock = systemClock, tracedByPlatform = false }: UpstreamOptions,
): Upstream {
  const base = url.origin + url.pathname.replace(/\/$/, "");

  return {
    async call(request) {
      const action = `${request.method} ${request.path}`;
      if (request.signal.aborted) {
        throw new UpstreamUnavailable(`Cannot ${action}: the client went away`, "never");
      }
      const deadline = new AbortController();
      const timer = clock.after(timeoutMs, () => deadline.abort());
      try {
        const response = await fetch(base + request.path + request.search, {
          method: request.method,
          headers: requestHeaders(request, { auth, tracedByPlatform }),
          body: request.body === null ? null : singleSend(request.body),
          redirect: "manual",
          signal: AbortSignal.any([request.signal, deadline.signal]),
        });
        return await readAnswer(response, action);
      } catch (error) {
        if (error instanceof PatchbayError) throw error;
        if (deadline.signal.aborted) {
          const message = `Cannot ${action}: upstream did not answer within ${timeoutMs} ms`;
          throw new UpstreamTimeout(message, { cause: error });
        }
        if (request.signal.aborted) {
          const message = `Cannot ${action}: the client went away`;
          throw new UpstreamUnavailable(message, "maybe", { cause: error });
        }
        const reached = whetherReached(error);
        const what = reached === "never" ? "could not be reached" : "broke off the exchange";
        throw new UpstreamUnavailable(`Cannot ${action}: upstream ${what}`, reached, {
          cause: error,
        });
      } finally {
        timer.cancel();
      }
    },
  };
}

/**
 * Whether a request that failed may have reached upstream.
 *
 * Deno gives its fetch errors no code. What it does say is hyper's kind, in the text of the cause: `Connect` covers
 * name resolution, the TCP handshake and TLS, all of them before the first byte of the request. `SendRequest` says
 * nothing of the sort: it also stands for a connection that closed while the answer was awaited. A missing net permission
 * never leaves the process. Whatever is not recognised counts as "maybe", which only costs a claim its minute. The tests
 * hold this against real sockets, so a Deno that words it differently turns them red.
 */
export function whetherReached(error: unknown): "never" | "maybe" {
  if (error instanceof Deno.errors.NotCapable) return "never";
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.includes("client error (Connect)")
    ? "never"
    : "maybe";
}

async function readAnswer(response: Response, action: string): Promise<UpstreamAnswer> {
  // 1xx is no final answer and nothing above 599 is HTTP (RFC 9110 §15); neither can be passed on as a Response.
  if (response.status < 200 || response.status > 599) {
    await response.body?.cancel();
    const message = `Cannot ${action}: upstream answered with status ${response.status}`;
    throw new UpstreamUnavailable(message, "maybe");
  }
  const body = await readAtMost(response.body, MAX_ANSWER_BYTES);
  if (body === null) {
    const message = `Cannot ${action}: upstream answered with more than ${MAX_ANSWER_BYTES} bytes`;
    throw new UpstreamUnavailable(message, "maybe");
  }
  const dateMs = Date.parse(response.headers.get("date") ?? "");
  return {
    status: response.status,
    headers: answerHeaders(response, body.byteLength),
    body,
    dateMs: Number.isNaN(dateMs) ? null : dateMs,
  };
}
