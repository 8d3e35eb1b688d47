import { type Arrivals, createArrivals } from "./arrivals.ts";
import { type Exchange, serveStandIn } from "./stand_in.ts";

/** A request as the contact centre got it. */
export interface UpstreamRequest extends Pick<Exchange, "over"> {
  readonly method: string;
  /** Path and query, as they came over the wire. */
  readonly target: string;
  readonly headers: Headers;
  readonly text: string;
}

export type UpstreamAnswer = (request: UpstreamRequest) => Response | Promise<Response>;

/** A contact centre on loopback that answers `{"statusCode":0}` to everything unless told otherwise. */
export interface UpstreamStandIn extends AsyncDisposable {
  readonly url: string;
  readonly requests: Arrivals<UpstreamRequest>;
  /** The requests so far whose path names this session. */
  about(sessionId: string): readonly UpstreamRequest[];
  /** From now on requests about this session are answered so. */
  answer(sessionId: string, answer: UpstreamAnswer): void;
  /** Resolves with the `count`th request about this session, counted from 1. */
  asked(sessionId: string, count?: number): Promise<UpstreamRequest>;
}

export function startUpstreamStandIn(): UpstreamStandIn {
  const requests = createArrivals<UpstreamRequest>(({ method, target }) => `${method} ${target}`);
  const answers = new Map<string, UpstreamAnswer>();

  const server = serveStandIn(async ({ request: seen, over }) => {
    const { method, url, headers } = seen;
    const target = url.replace(/^https?:\/\/[^/]*/, "");
    const request = { method, target, headers, text: await seen.text(), over };
    requests.add(request);
    const answer = segments(request).map((segment) => answers.get(segment)).find(Boolean);
    return await (answer ?? statusZero)(request);
  });

  const isAbout = (sessionId: string) => (request: UpstreamRequest) =>
    segments(request).includes(sessionId);

  return {
    url: server.origin,
    requests,
    about: (sessionId) => requests.items.filter(isAbout(sessionId)),
    answer: (sessionId, answer) => void answers.set(sessionId, answer),
    asked: (sessionId, count = 1) =>
      requests.until(
        `request ${count} about ${sessionId} at the contact centre`,
        (items) => items.filter(isAbout(sessionId))[count - 1],
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** What the contact centre says when it has taken an operation. */
export function statusZero(): Response {
  return Response.json({ statusCode: 0 });
}

function segments({ target }: UpstreamRequest): readonly string[] {
  return target.split(/[/?]/);
}
