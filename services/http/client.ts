import type { Clock } from "../support/clock.ts";
import { createLruMap } from "../support/lru_map.ts";
import { type AnswerHead, parseAnswerHead } from "./answer_head.ts";
import { createHttpConnection, type HttpConnection } from "./connection.ts";
import type { Connector, Target } from "./connector.ts";
import type { Ending } from "./deadline.ts";
import { endpointOf } from "./endpoint.ts";
import { decoded } from "./decoding.ts";
import { NotSent, readNetworkFailure } from "./network_failure.ts";
import { requestBytes } from "./request_bytes.ts";
import type { TlsOptions } from "./streams.ts";
import type { HttpRequest, HttpTransport } from "./transport.ts";

/** A client of HTTP/1.1. docs/egress.md says why there is one beside `fetch`. */
export interface HttpClient {
  /** As long as nothing of a request can have reached the other side it rejects with {@link NotSent}. */
  readonly transport: HttpTransport;
  /** Closes what is idle; what is under way comes to its end first. */
  close(): void;
}

export interface HttpClientOptions {
  readonly connect: Connector;
  readonly clock: Clock;
}

/** A connection that nobody uses for so long is closed. */
const MAX_IDLE_MS = 60_000;
const MAX_IDLE_CONNECTIONS = 256;
/** URLs and heads that come again are read once. */
const MAX_REMEMBERED = 256;

/** Where a URL leads. */
interface Place extends Target {
  /** Connections are shared among requests with the same one. */
  readonly key: string;
  readonly host: string;
  readonly path: string;
}

interface Standing {
  readonly key: string;
  readonly connection: HttpConnection;
  readonly address: string;
  /** When it has been idle for too long. */
  untilMs: number;
}

export function createHttpClient({ connect, clock }: HttpClientOptions): HttpClient {
  const places = createLruMap<string, Place>(MAX_REMEMBERED);
  const heads = createLruMap<string, AnswerHead>(MAX_REMEMBERED);
  /** By their key, the one used last at the end. */
  const idle = new Map<string, Standing[]>();
  let idleCount = 0;
  let isClosed = false;
  let cancelSweep: (() => void) | null = null;

  function placeOf({ url, tls }: HttpRequest): Place {
    const text = `${tls?.id ?? ""} ${url}`;
    const known = places.get(text);
    const place = known ?? readPlace(url, tls);
    if (known === undefined) places.set(text, place);
    return place;
  }

  function parseHead(text: string): AnswerHead {
    const known = heads.get(text);
    const head = known ?? parseAnswerHead(text);
    if (known === undefined) heads.set(text, head);
    return head;
  }

  function takeIdle(key: string): Standing | null {
    for (let kept = idle.get(key)?.at(-1); kept !== undefined; kept = idle.get(key)?.at(-1)) {
      if (kept.untilMs > clock.now()) {
        forget(kept);
        return kept;
      }
      kept.connection.close();
    }
    return null;
  }

  function forget(standing: Standing): void {
    const kept = idle.get(standing.key);
    const at = kept?.lastIndexOf(standing) ?? -1;
    if (kept === undefined || at === -1) return;
    kept.splice(at, 1);
    idleCount--;
    if (kept.length === 0) idle.delete(standing.key);
    if (idleCount === 0) {
      cancelSweep?.();
      cancelSweep = null;
    }
  }

  function keep(standing: Standing, idleMs: number): void {
    if (isClosed || idleCount >= MAX_IDLE_CONNECTIONS) return standing.connection.close();
    standing.untilMs = clock.now() + Math.min(idleMs, MAX_IDLE_MS);
    const kept = idle.get(standing.key);
    if (kept === undefined) idle.set(standing.key, [standing]);
    else kept.push(standing);
    idleCount++;
    cancelSweep ??= clock.after(MAX_IDLE_MS, sweep).cancel;
  }

  function sweep(): void {
    cancelSweep = null;
    const nowMs = clock.now();
    const all = [...idle.values()].flat();
    for (const { connection } of all.filter(({ untilMs }) => untilMs <= nowMs)) connection.close();
    if (idleCount > 0) cancelSweep ??= clock.after(MAX_IDLE_MS, sweep).cancel;
  }

  async function open(
    place: Place,
    { onAddress = () => {} }: HttpRequest,
    { signal }: Ending,
  ): Promise<Standing> {
    const { socket, address } = await connect(place, { signal, onAddress }).catch((error) => {
      throw error instanceof NotSent ? error : notConnected(error);
    });
    const connection = createHttpConnection(socket, {
      parseHead,
      onIdle: (idleMs) => keep(standing, idleMs),
      onClosed: () => forget(standing),
    });
    const standing = { key: place.key, connection, address, untilMs: 0 };
    return standing;
  }

  return {
    async transport(request, ending) {
      const place = placeOf(request);
      const bytes = requestBytes(request, place);
      const standing = takeIdle(place.key) ?? await open(place, request, ending);
      const { connection, address } = standing;
      if (ending.hasEnded) {
        connection.close();
        throw notConnected(ending.signal.reason);
      }
      request.onAddress?.(address);
      const bodiless = request.method === "HEAD";
      const answer = await connection.exchange(bytes, { bodiless, ending });
      return request.decode === true ? decoded(answer) : answer;
    },
    close() {
      isClosed = true;
      for (const { connection } of [...idle.values()].flat()) connection.close();
    },
  };
}

function readPlace(url: URL | string, tls: TlsOptions | undefined): Place {
  const parsed = new URL(url);
  const { protocol, host, pathname, search } = parsed;
  const endpoint = endpointOf(parsed);
  if (!endpoint.isSecure && protocol !== "http:") {
    throw new TypeError(`Cannot send to ${protocol}`);
  }
  return {
    ...endpoint,
    tls,
    key: `${protocol}//${host} ${tls?.id ?? ""}`,
    host,
    path: pathname + search,
  };
}

function notConnected(cause: unknown): NotSent {
  return new NotSent("connect-failed", readNetworkFailure(cause).detail, { cause });
}
