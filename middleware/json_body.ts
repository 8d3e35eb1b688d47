import type { MiddlewareHandler } from "hono";
import { readRequestBody } from "../services/http/request_body.ts";
import type { Clock } from "../services/support/clock.ts";
import { shownId } from "../services/support/log.ts";
import type { Room } from "../services/support/room.ts";
import { readJson, type SpelledJson } from "../services/support/spelled_json.ts";
import { InvalidBody, UnsupportedMediaType } from "../services/errors.ts";
import type { AppEnv } from "./app_env.ts";

/** `application/json`, or a type built on it (RFC 6839 §3.1). */
const JSON_MEDIA_TYPE = /^application\/(?:[!#$&^_.+\w-]+\+)?json$/;

/** JSON has no such parameter (RFC 8259 §11), but clients add one, and it is sent on. */
const CHARSET = /;\s*charset\s*=\s*"?([^;"\s]*)/gi;

/** Read by these, JSON's own characters are the same as in UTF-8. By others a body could say one thing here and another upstream. */
const HARMLESS_CHARSETS: ReadonlySet<string> = new Set(
  ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"],
);

/**
 * Reads a JSON body of at most `maxBytes`, with each member once at every depth, and sets `body`: the very bytes that came,
 * for sending on, and what they say.
 *
 * Hono's `bodyLimit` does not fit: it believes a `content-length`, and hands on a body that is then read a second time,
 * while the bytes are wanted here anyway.
 *
 * @throws UnsupportedMediaType for a declared type that is not JSON, or a content coding; BodyTooLarge; Overloaded;
 * RequestTimeout; InvalidBody
 */
export function jsonBody(
  { maxBytes, clock, room, ifEmpty = "" }: {
    readonly maxBytes: number;
    readonly clock: Clock;
    /** For the bytes of all bodies that are held at a time; each is held until its request is answered. */
    readonly room: Room;
    /** The JSON text that an empty body, or none, stands for; none: it is refused. */
    readonly ifEmpty?: string;
  },
): MiddlewareHandler<AppEnv> {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw new RangeError(`Cannot limit bodies to ${maxBytes} bytes: expected 1 or more`);
  }
  return async function jsonBody(c, next) {
    assertJsonMediaType(c.req.header("content-type"));
    assertNoContentCoding(c.req.header("content-encoding"));
    const bytes = await readRequestBody(c.req.raw, { maxBytes, clock, room });
    try {
      const untrusted = parseJson(bytes.length === 0 ? new TextEncoder().encode(ifEmpty) : bytes);
      c.set("body", { bytes, untrusted, untrustedJson: untrusted.json });
      await next();
    } finally {
      room.give(bytes.length);
    }
  };
}

/** A missing type is taken for JSON, as upstream's clients leave it out at times; a wrong one is a mistake to point out. */
function assertJsonMediaType(contentType: string | undefined): void {
  const mediaType = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (mediaType !== "" && !JSON_MEDIA_TYPE.test(mediaType)) {
    throw new UnsupportedMediaType(
      `Cannot read a body of type ${shownId(mediaType)}: expected application/json`,
    );
  }
  for (const [, charset = ""] of contentType?.matchAll(CHARSET) ?? []) {
    if (HARMLESS_CHARSETS.has(charset.toLowerCase())) continue;
    throw new UnsupportedMediaType(
      `Cannot read a body in charset ${shownId(charset)}: expected utf-8`,
    );
  }
}

/** RFC 9110 §15.5.16: `accept-encoding` in a 415 says that the coding was the fault. */
function assertNoContentCoding(contentEncoding: string | undefined): void {
  const coding = contentEncoding?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new UnsupportedMediaType(
      `Cannot read a body with content-encoding ${shownId(coding)}: expected none`,
      { headers: { "accept-encoding": "identity" } },
    );
  }
}

/**
 * RFC 8259 §8.1: JSON between systems is UTF-8. A body that comes to two readings is refused (RFC 8259 §4: what a parser
 * makes of a name that comes twice is its own affair), as upstream or whoever reads it next may take the other one.
 */
function parseJson(bytes: Uint8Array<ArrayBuffer>): SpelledJson {
  if (bytes.length === 0) {
    throw new InvalidBody("Cannot read the body: expected JSON, but it is empty");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidBody("Cannot read the body: expected JSON in UTF-8, but it is not UTF-8");
  }
  const read = readJson(text);
  if (!read.ok) throw new InvalidBody(`Cannot read the body: expected ${read.expected}`);
  return read.value;
}
