import { readAtMost } from "../../support/bounded_bytes.ts";
import { type Clock, systemClock } from "../../support/clock.ts";
import type { Config } from "../../config/config.ts";
import {
  PatchbayError,
  StoreUnavailable,
  UpstreamTimeout,
  UpstreamUnavailable,
} from "../../errors.ts";
import { singleSend } from "../../support/single_send.ts";
import { type AgentLink, type AgentLinks, createAgentLinks } from "./agent_links.ts";
import {
  createUpstreamCredentials,
  NoUpstreamCredentials,
  type UpstreamCredentials,
} from "./credentials.ts";
import { CSRF_TOKEN_PATH, isCsrfRefusal } from "../dialect/csrf.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./exchange.ts";
import { answerHeaders, clientAuthorization, requestHeaders } from "./headers.ts";

export type { UpstreamAnswer, UpstreamRequest };

export interface Upstream {
  /**
   * Sends one request and buffers the answer. Any complete answer is a value, whatever its status. Nothing is sent twice,
   * with one exception: a POST that upstream refused for its CSRF token, and so has not acted on, is repeated once with a
   * fresh one, within the same deadline.
   *
   * Throws {@link UpstreamTimeout} or {@link UpstreamUnavailable}, and what the credentials throw; see {@link surelyNotSent}.
   */
  call(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

export interface UpstreamOptions {
  /** `/api/v2/…` is appended. */
  readonly url: URL;
  readonly auth: Config["upstream"]["auth"];
  /** Whose credentials go upstream; what `auth` says, unless told otherwise. Mode `vault` needs them. */
  readonly credentials?: UpstreamCredentials;
  /** The agents' cookies and CSRF tokens; links of its own, unless they are shared with others. */
  readonly links?: AgentLinks;
  /** One deadline for all of a call: connecting, the headers, the last byte of the body, and a repetition. */
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
export function createUpstream(options: UpstreamOptions): Upstream {
  const { url, auth, timeoutMs, fetch, clock = systemClock, tracedByPlatform = false } = options;
  const {
    credentials = createUpstreamCredentials({ auth }),
    links = createAgentLinks({ url, mode: auth.mode }),
  } = options;
  const basePath = url.pathname.replace(/\/$/, "");

  async function exchange(
    request: UpstreamRequest,
    { authorization, link, signal }: Means,
  ): Promise<UpstreamAnswer> {
    const { method, search, body } = request;
    const path = basePath + request.path;
    const linked = link.headersFor(method, path);
    const response = await fetch(url.origin + path + search, {
      method,
      headers: requestHeaders(request, { authorization, link: linked, tracedByPlatform }),
      body: body === null ? null : singleSend(body),
      redirect: "manual",
      signal,
    });
    await link.adopt(path, response.headers, linked.get("cookie"));
    return await readAnswer(response, actionOf(request));
  }

  /** The exchange, and once more with a fresh CSRF token where upstream asks for one. */
  async function exchangeWithToken(
    request: UpstreamRequest,
    means: Means,
  ): Promise<UpstreamAnswer> {
    // As one text, for comparing: a Headers object lists its entries in a fixed order.
    const carried = () =>
      JSON.stringify([...means.link.headersFor(request.method, basePath + request.path)]);
    const refused = carried();
    const answer = await exchange(request, means);
    if (request.method === "GET" || !isCsrfRefusal(answer)) return answer;
    try {
      await exchange(tokenRequest(request), means);
    } catch {
      // The refusal is a complete answer, and truer than a time-out: upstream has surely not acted.
      return answer;
    }
    // Upstream that hands out nothing new would refuse again.
    return carried() === refused ? answer : await exchange(request, means);
  }

  return {
    async call(request) {
      const authorization = await credentials.authorizationFor(
        request.agentId,
        clientAuthorization(request),
      );
      if (request.signal.aborted) {
        const message = `Cannot ${actionOf(request)}: the client went away`;
        throw new UpstreamUnavailable(message, "never");
      }
      const deadline = new AbortController();
      const timer = clock.after(timeoutMs, () => deadline.abort());
      try {
        return await exchangeWithToken(request, {
          authorization,
          link: links.of(request.agentId, authorization),
          signal: AbortSignal.any([request.signal, deadline.signal]),
        });
      } catch (error) {
        if (error instanceof PatchbayError) throw error;
        if (deadline.signal.aborted) {
          const message = `Cannot ${
            actionOf(request)
          }: upstream did not answer within ${timeoutMs} ms`;
          throw new UpstreamTimeout(message, { cause: error });
        }
        throw broken(request, error);
      } finally {
        timer.cancel();
      }
    },
  };
}

/** What the exchanges of one call have in common. */
interface Means {
  readonly authorization: string | null;
  readonly link: AgentLink;
  readonly signal: AbortSignal;
}

/**
 * Whether a call that threw has surely not reached upstream: then nothing was done there, and what was prepared for it
 * can be taken back. Without credentials to send, for want of any or of the store that has them, a call ends before it begins.
 */
export function surelyNotSent(error: unknown): boolean {
  return error instanceof UpstreamUnavailable
    ? error.reached === "never"
    : error instanceof NoUpstreamCredentials || error instanceof StoreUnavailable;
}

function actionOf({ method, path }: UpstreamRequest): string {
  return `${method} ${path}`;
}

/** The GET whose answer brings a CSRF token, on the same agent's behalf. */
function tokenRequest(request: UpstreamRequest): UpstreamRequest {
  const untrustedHeaders = new Headers({ accept: "application/json" });
  return {
    ...request,
    method: "GET",
    path: CSRF_TOKEN_PATH,
    search: "",
    untrustedHeaders,
    body: null,
  };
}

function broken(request: UpstreamRequest, cause: unknown): UpstreamUnavailable {
  const action = actionOf(request);
  if (request.signal.aborted) {
    const message = `Cannot ${action}: the client went away`;
    return new UpstreamUnavailable(message, "maybe", { cause });
  }
  const reached = whetherReached(cause);
  const what = reached === "never" ? "could not be reached" : "broke off the exchange";
  return new UpstreamUnavailable(`Cannot ${action}: upstream ${what}`, reached, { cause });
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
