import { Buffer } from "node:buffer";
import type { HttpRequest } from "./transport.ts";

// RFC 9110 §5.6.2 (token), and §5.5 with obs-text.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** With other methods the lack of a body is told too (RFC 9110 §8.6). */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** A body up to this long leaves in one piece with its head. */
const MAX_JOINED_BYTES = 64 * 1_024;

/**
 * A request as it goes over the wire; `host` and `path` are those of its URL. The head is one text.
 *
 * @throws {TypeError} for a method, a name or a value that would end its line or its place in it
 */
export function requestBytes(
  { method, headers, body }: HttpRequest,
  { host, path }: { readonly host: string; readonly path: string },
): readonly Uint8Array[] {
  let head = `${token(method)} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of entriesOf(headers)) {
    if (!VALUE.test(value)) {
      throw new TypeError(`Cannot send the header ${name}: expected one line`);
    }
    head += `${token(name)}: ${value}\r\n`;
  }
  if (body !== null || !WITHOUT_BODY.has(method)) {
    head += `content-length: ${body?.length ?? 0}\r\n`;
  }
  head += "\r\n";
  if (body === null) return [Buffer.from(head, "latin1")];
  if (body.length > MAX_JOINED_BYTES) return [Buffer.from(head, "latin1"), body];
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, "latin1");
  bytes.set(body, head.length);
  return [bytes];
}

function entriesOf(headers: HttpRequest["headers"]): Iterable<readonly [string, string]> {
  return headers instanceof Headers ? headers : Object.entries(headers);
}

function token(text: string): string {
  if (!TOKEN.test(text)) {
    throw new TypeError(`Cannot send ${JSON.stringify(text)}: expected a token`);
  }
  return text;
}
