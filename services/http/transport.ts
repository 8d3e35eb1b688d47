import { singleSend } from "../support/single_send.ts";

/** A request, ready to go. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL | string;
  readonly headers: Headers | Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** What comes before an answer's body. */
export interface HttpHead {
  readonly status: number;
  readonly headers: Headers;
}

/** An answer whose body may still be on its way. */
export interface HttpAnswer extends HttpHead {
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Sends one request, once, and resolves as soon as status and headers of the answer are there. A redirect is an answer.
 * Rejects when none comes. An abort of `signal` closes the connection: the promise rejects, and so does the body's stream.
 */
export type HttpTransport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** The transport that a `fetch` makes, over the connections of `client` where one is given. */
export function overFetch(
  fetch: typeof globalThis.fetch,
  { client }: { readonly client?: Deno.HttpClient } = {},
): HttpTransport {
  return ({ method, url, headers, body }, signal) =>
    fetch(url, {
      method,
      headers,
      body: body === null ? null : singleSend(body),
      redirect: "manual",
      signal,
      ...(client === undefined ? {} : { client }),
    });
}
