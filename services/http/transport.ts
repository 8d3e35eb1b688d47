import type { Ending } from "./deadline.ts";
import { singleSend } from "../support/single_send.ts";
import type { HeadersView } from "./headers_view.ts";
import type { TlsOptions } from "./streams.ts";

/** A request, ready to go. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL | string;
  readonly headers: Headers | Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Undoes gzip and Brotli. `fetch` always does. */
  readonly decode?: boolean;
  /** Of a TLS connection of one's own. */
  readonly tls?: TlsOptions;
  /** Told each address that is dialled, and then the one that the request goes to. */
  readonly onAddress?: (address: string) => void;
}

/** What comes before an answer's body. */
export interface HttpHead {
  readonly status: number;
  readonly headers: HeadersView;
}

/** A body, to be read piece by piece, to its end or until it is cancelled. */
export interface HttpBody {
  /** The next piece; null: it is over. Rejects when it breaks off. */
  read(): Promise<Uint8Array | null>;
  cancel(): void | Promise<void>;
}

/** An answer whose body may still be on its way. */
export interface HttpAnswer extends HttpHead {
  readonly body: HttpBody | null;
}

/**
 * Sends one request, once, and resolves as soon as status and headers of the answer are there. A redirect is an answer.
 * Rejects when none comes. The ending closes the connection: the promise rejects, and so does a body's reading.
 */
export type HttpTransport = (request: HttpRequest, ending: Ending) => Promise<HttpAnswer>;

/** The transport that a `fetch` makes, over the connections of `client` where one is given. */
export function overFetch(
  fetch: typeof globalThis.fetch,
  { client }: { readonly client?: Deno.HttpClient } = {},
): HttpTransport {
  return async ({ method, url, headers, body }, { signal }) => {
    const response = await fetch(url, {
      method,
      headers,
      body: body === null ? null : singleSend(body),
      redirect: "manual",
      signal,
      ...(client === undefined ? {} : { client }),
    });
    const { status, headers: answerHeaders } = response;
    return { status, headers: answerHeaders, body: response.body && overStream(response.body) };
  };
}

/** The body that a stream is. */
export function overStream(stream: ReadableStream<Uint8Array>): HttpBody {
  const reader = stream.getReader();
  return {
    read: async () => (await reader.read()).value ?? null,
    cancel: () => reader.cancel(),
  };
}
