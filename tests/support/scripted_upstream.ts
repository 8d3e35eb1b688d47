/**
 * An upstream that is no contact centre: it answers with the bytes that a test gives it, however impossible, and knows nothing
 * of agents or sessions. The contact centre of the tests is the simulated one (simulator/contact_centre), which can hold, break
 * and replace its answers too. This one is for what that cannot be: raw and broken HTTP, and a `0` said to any operation at all.
 */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import { type Exchange, serveStandIn } from "./stand_in.ts";

/** A request as upstream saw it. */
export interface SeenRequest extends Pick<Exchange, "over"> {
  readonly method: string;
  /** Path and query as they came over the wire. */
  readonly target: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes, read as UTF-8. */
  readonly text: string;
  /** Aborts when Patchbay hangs up before it has the answer. */
  readonly signal: AbortSignal;
}

export type UpstreamAnswer = (seen: SeenRequest) => Response | Promise<Response>;

export interface ScriptedUpstream extends AsyncDisposable {
  readonly url: URL;
  readonly requests: Inbox<SeenRequest>;
  /** The requests so far, in the order in which they came. */
  readonly seen: readonly SeenRequest[];
  /** Resolves once `count` requests have come. */
  whenSeen(count: number): Promise<void>;
  /** The requests so far whose path names this session. */
  about(sessionId: string): readonly SeenRequest[];
  /** Resolves with the `count`th request about this session, counted from 1. */
  asked(sessionId: string, count?: number): Promise<SeenRequest>;
  /** From now on requests about this session are answered so. */
  answer(sessionId: string, answer: UpstreamAnswer): void;
  close(): Promise<void>;
}

/** Starts one on loopback. `answer` is for requests about no session that has an answer of its own. */
export function startUpstream(answer: UpstreamAnswer = statusZero): ScriptedUpstream {
  const requests = createInbox<SeenRequest>("request", {
    describe: ({ method, target }) => `${method} ${target}`,
  });
  const answers = new Map<string, UpstreamAnswer>();
  const server = serveStandIn(async ({ request, over }) => {
    const { method, url, headers, signal } = request;
    const bytes = new Uint8Array(await request.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    const target = url.replace(/^http:\/\/[^/]*/, "");
    const seen = { method, target, headers, bytes, text, signal, over };
    requests.add(seen);
    const own = segments(seen).map((segment) => answers.get(segment)).find(Boolean);
    return await (own ?? answer)(seen);
  });
  const isAbout = (sessionId: string) => (seen: SeenRequest) => segments(seen).includes(sessionId);
  const close = async () => await server[Symbol.asyncDispose]();

  return {
    url: new URL(server.origin),
    requests,
    seen: requests.items,
    async whenSeen(count) {
      if (count > 0) await requests.received(count);
    },
    about: (sessionId) => requests.items.filter(isAbout(sessionId)),
    asked: (sessionId, count = 1) =>
      requests.until(
        `request ${count} about ${sessionId} at upstream`,
        (items) => items.filter(isAbout(sessionId))[count - 1],
      ),
    answer: (sessionId, own) => void answers.set(sessionId, own),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What the contact centre says when it has taken an operation. */
export function statusZero(): Response {
  return Response.json({ statusCode: 0 });
}

function segments({ target }: Pick<SeenRequest, "target">): readonly string[] {
  return target.split(/[/?]/);
}

/** Resolves once the signal aborts, at once if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A TCP listener that reads one request per connection and then says exactly these bytes before it closes. */
export function startRawUpstream(
  says: string | Uint8Array,
): { readonly url: URL; close(): Promise<void> } {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const bytes = typeof says === "string" ? new TextEncoder().encode(says) : says;

  async function speak(connection: Deno.Conn) {
    try {
      await connection.read(new Uint8Array(64 * 1024));
      for (let sent = 0; sent < bytes.length;) {
        sent += await connection.write(bytes.subarray(sent));
      }
    } catch {
      // The other side hung up first, as some tests have it.
    } finally {
      connection.close();
    }
  }
  const done = (async () => {
    for await (const connection of listener) await speak(connection);
  })();

  return {
    url: new URL(`http://127.0.0.1:${listener.addr.port}`),
    async close() {
      listener.close();
      await done;
    },
  };
}

/** The address of a port on loopback that nobody listens on. */
export function unreachableUrl(): URL {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  listener.close();
  return url;
}
