import type { HeadersView } from "./headers_view.ts";

/** An answer that breaks the rules of HTTP/1.1, or goes past a bound. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";
}

/** How the end of a body is told (RFC 9112 §6.3): by its length in bytes, by chunks, or by the end of the connection. */
export type Framing = number | "chunked" | "until-closed";

/** The head of an answer: what comes before its body. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: HeadersView;
  /** Of an answer that has a body at all. */
  readonly framing: Framing;
  /** How long the connection may stay idle after this answer, as far as its head tells; 0: it is of no more use. */
  readonly idleMs: number;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
// RFC 9110 §5.6.2 (token): a blank before the colon makes a name none, as RFC 9112 §5.1 asks.
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;

/**
 * Reads a head, its blank line included. Lines may end with a bare LF (RFC 9112 §2.2), and a folded header becomes one line
 * (§5.2).
 *
 * @throws {MalformedAnswer}
 */
export function parseAnswerHead(untrustedHead: string): AnswerHead {
  if (FORBIDDEN.test(untrustedHead)) throw malformed("a character that no head may have");
  const [statusLine = "", ...lines] = untrustedHead.split(/\r?\n/).slice(0, -2);
  const [, minorVersion, status] = STATUS_LINE.exec(statusLine) ?? [];
  if (status === undefined) throw malformed("no HTTP/1.1 status line");

  const values = new Map<string, string>();
  const cookies: string[] = [];
  for (const line of unfolded(lines)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !NAME.test(name)) throw malformed("a header without a name");
    const value = withoutBlanks(line, colon + 1);
    if (name === "set-cookie") cookies.push(value);
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const headers: HeadersView = {
    get: (name) => values.get(name.toLowerCase()) ?? null,
    getSetCookie: () => [...cookies],
  };
  const framing = framingOf(values);
  // In HTTP/1.0 chunks are a fault (RFC 9112 §6.1), and so is a length beside them (§6.3): what comes after is anybody's.
  const persists = minorVersion === "1" &&
    !(values.has("transfer-encoding") && values.has("content-length")) &&
    !/(^|[\s,])close($|[\s,])/i.test(values.get("connection") ?? "");
  return { status: Number(status), headers, framing, idleMs: persists ? idleMsIn(values) : 0 };
}

export const malformed = (what: string) => new MalformedAnswer(`The answer has ${what}`);

function unfolded(lines: readonly string[]): readonly string[] {
  if (!lines.some(isFolded)) return lines;
  const whole: string[] = [];
  for (const line of lines) {
    const before = isFolded(line) ? whole.pop() : "";
    // Behind the status line there is nothing to fold, and some read such a line as a header (RFC 9112 §2.2).
    if (before === undefined) throw malformed("a header without a name");
    whole.push(before === "" ? line : `${before} ${withoutBlanks(line, 0)}`);
  }
  return whole;
}

const isFolded = (line: string) => isBlank(line.charCodeAt(0));

/** By hand: a pattern for blanks at the end looks at each run of blanks from each of its places. */
function withoutBlanks(line: string, start: number): string {
  let end = line.length;
  while (isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

function framingOf(values: ReadonlyMap<string, string>): Framing {
  const coding = values.get("transfer-encoding");
  if (coding !== undefined) return /(^|,)\s*chunked$/i.test(coding) ? "chunked" : "until-closed";
  const length = values.get("content-length");
  if (length === undefined) return "until-closed";
  // The same length told twice is one (RFC 9110 §8.6).
  const [first = "", ...others] = length.split(",").map((part) => withoutBlanks(part, 0));
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) {
    throw malformed("no length that can be read");
  }
  return Number(first);
}

/** Whoever says how long it waits is left a second before that, so that no request crosses its FIN. */
function idleMsIn(values: ReadonlyMap<string, string>): number {
  const [, seconds] = /(?:^|[\s,])timeout=(\d{1,6})(?:$|[\s,])/i.exec(
    values.get("keep-alive") ?? "",
  ) ?? [];
  return seconds === undefined ? Infinity : Math.max(0, Number(seconds) * 1_000 - 1_000);
}
