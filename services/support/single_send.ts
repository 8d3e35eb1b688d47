/**
 * A body for `fetch` that leaves once.
 *
 * Deno 2.9.6 sends a request again by itself when a kept-alive connection dies under it, also after the other side has
 * read it, as long as it still holds the body as a string or as bytes. An operation would then be carried out twice. It
 * does not hold a Blob's; unlike a stream, a Blob has a length, so it is not sent in chunks.
 */
export function singleSend(bytes: Uint8Array<ArrayBuffer>): Blob {
  return new Blob([bytes]);
}
