import { StoreUnavailable, UpstreamTimeout, UpstreamUnavailable } from "../../errors.ts";
import { type Deadline, startDeadline } from "../../http/deadline.ts";
import { exchange, type ExchangedAnswer, type ExchangeFailure } from "../../http/exchange.ts";
import { overFetch } from "../../http/transport.ts";
import { type Clock, systemClock } from "../../support/clock.ts";
import { type AgentLink, type AgentLinks, createAgentLinks } from "./agent_links.ts";
import {
  createUpstreamCredentials,
  NoUpstreamCredentials,
  type UpstreamAuth,
  type UpstreamCredentials,
} from "./credentials.ts";
import { CSRF_TOKEN_PATH, isCsrfRefusal } from "../dialect/csrf.ts";
import type { UpstreamAnswer, UpstreamRequest } from "./call.ts";
import { answerHeaders, clientAuthorization, requestHeaders } from "./headers.ts";

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
  readonly auth: UpstreamAuth;
  /** The credentials that go upstream. Without them those that `auth` describes do; mode `vault` needs them. */
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
  const transport = overFetch(fetch);

  async function ask(
    request: UpstreamRequest,
    { authorization, link, deadline }: Means,
  ): Promise<UpstreamAnswer> {
    const { method, search, body } = request;
    const path = basePath + request.path;
    const linked = link.headersFor(method, path);
    const headers = requestHeaders(request, { authorization, link: linked, tracedByPlatform });
    const exchanged = await exchange({ method, url: url.origin + path + search, headers, body }, {
      transport,
      deadline,
      maxBodyBytes: MAX_ANSWER_BYTES,
      async onHead(head) {
        await link.adopt(path, head.headers, linked.get("cookie"));
        return isFinalStatus(head.status);
      },
    });
    if (exchanged.kind === "failure") throw errorOf(exchanged, actionOf(request), timeoutMs);
    return answerOf(exchanged);
  }

  /** Asks, and once more with a fresh CSRF token where upstream asks for one. */
  async function askWithToken(
    request: UpstreamRequest,
    means: Means,
  ): Promise<UpstreamAnswer> {
    // As one text, for comparing: a Headers object lists its entries in a fixed order.
    const carried = () =>
      JSON.stringify([...means.link.headersFor(request.method, basePath + request.path)]);
    const refused = carried();
    const answer = await ask(request, means);
    if (request.method === "GET" || !isCsrfRefusal(answer)) return answer;
    try {
      await ask(tokenRequest(request), means);
    } catch {
      // The refusal is a complete answer, and truer than a time-out: upstream has surely not acted.
      return answer;
    }
    // Upstream that hands out nothing new would refuse again.
    return carried() === refused ? answer : await ask(request, means);
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
      using deadline = startDeadline({ clock, timeoutMs, signal: request.signal });
      const link = links.of(request.agentId, authorization);
      return await askWithToken(request, { authorization, link, deadline });
    },
  };
}

/** What the exchanges of one call have in common. */
interface Means {
  readonly authorization: string | null;
  readonly link: AgentLink;
  readonly deadline: Deadline;
}

/**
 * Whether a call that threw has surely not reached upstream: then nothing was done there, and what was prepared for it
 * can be taken back. A call ends before it begins where there are no credentials to send, and where the store that has them
 * is away.
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

function errorOf(
  { class: kind, reached, cause, begun }: ExchangeFailure,
  action: string,
  timeoutMs: number,
): UpstreamTimeout | UpstreamUnavailable {
  const unavailable = (what: string) =>
    new UpstreamUnavailable(`Cannot ${action}: ${what}`, reached, { cause });
  switch (kind) {
    case "timeout": {
      const message = `Cannot ${action}: upstream did not answer within ${timeoutMs} ms`;
      return new UpstreamTimeout(message, { cause });
    }
    case "aborted":
      return unavailable("the client went away");
    case "unwanted":
      return unavailable(`upstream answered with status ${begun?.status}`);
    case "too-long":
      return unavailable(`upstream answered with more than ${MAX_ANSWER_BYTES} bytes`);
    default:
      return unavailable(
        reached === "never" ? "upstream could not be reached" : "upstream broke off the exchange",
      );
  }
}

/** 1xx is no final answer and nothing above 599 is HTTP (RFC 9110 §15); neither can be passed on as a Response. */
function isFinalStatus(status: number): boolean {
  return status >= 200 && status <= 599;
}

function answerOf(answer: ExchangedAnswer): UpstreamAnswer {
  const { status, body } = answer;
  const dateMs = Date.parse(answer.headers.get("date") ?? "");
  return {
    status,
    headers: answerHeaders(answer, body.byteLength),
    body,
    dateMs: Number.isNaN(dateMs) ? null : dateMs,
  };
}
