/** What a log field may hold; objects are left out on purpose, so that nothing large or personal slips in whole. */
export type LogValue = string | number | boolean | null | undefined;

/** Structured log: an event name in `dot.case` and flat fields. Never a token, a message text or a whole phone number. */
export interface Logger {
  debug(event: string, fields?: Record<string, LogValue>): void;
  info(event: string, fields?: Record<string, LogValue>): void;
  warn(event: string, fields?: Record<string, LogValue>): void;
  error(event: string, fields?: Record<string, LogValue>): void;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

export interface LoggerOptions {
  readonly level: Level;
  readonly format: "json" | "pretty";
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Receives one line without its newline. */
  readonly write: (line: string) => void;
}

/**
 * A logger that writes one line per event. Whatever a field holds, it stays one line and cannot pass for another:
 * see {@link escapeControls}. Fields that are undefined are left out; a field named like a member of the head
 * (`time`, `level`, `event`) is written with an underscore after its name.
 */
export function createLogger({ level, format, now, write }: LoggerOptions): Logger {
  const lowest = LEVELS.indexOf(level);
  const render = format === "json" ? renderJson : renderPretty;
  const logAt = (at: Level) => (event: string, fields: Record<string, LogValue> = {}) => {
    if (LEVELS.indexOf(at) >= lowest) {
      const head = { time: new Date(now()).toISOString(), level: at, event };
      write(escapeControls(render(head, shownFields(fields))));
    }
  };
  return { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") };
}

interface Head {
  readonly time: string;
  readonly level: Level;
  readonly event: string;
}

const HEAD_NAMES: readonly string[] = ["time", "level", "event"] satisfies (keyof Head)[];

type Fields = readonly (readonly [name: string, value: LogValue])[];

/** Room for a stack with its causes. Nothing that comes from outside makes a line of the log much longer. */
const LONGEST_FIELD = 8_000;

function shownFields(fields: Record<string, LogValue>): Fields {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [HEAD_NAMES.includes(name) ? `${name}_` : name, shownValue(value)]);
}

function shownValue(value: LogValue): LogValue {
  const isLong = typeof value === "string" && value.length > LONGEST_FIELD;
  return isLong ? `${value.slice(0, LONGEST_FIELD)}…` : value;
}

function renderJson(head: Head, fields: Fields): string {
  return JSON.stringify({ ...head, ...Object.fromEntries(fields) });
}

function renderPretty({ time, level, event }: Head, fields: Fields): string {
  const shown = fields.map(([name, value]) =>
    `${name}=${typeof value === "string" ? JSON.stringify(value) : value}`
  );
  return [time.slice(11, 23), level.toUpperCase().padEnd(5), event, ...shown].join(" ");
}

/** A phone number as logs and answers show it: `…` and the last four digits. */
export function maskPhone(phone: string): string {
  return `…${phone.replace(/\D/g, "").slice(-4)}`;
}

/** A session's id has at most 128 characters, of which the first tell it from the others that are about. */
const LONGEST_ID = 64;

/** Ids that we have made. Their random part may hold many digits in a row and is no telephone number. */
const OWN_ID = /^(?:evt|wh|dlv)(?:_evt)?_[0-9A-Z]{26}(?:_\w{1,40})?$/;

/** Seven digits or more, written as a telephone number may be. */
const NUMBER_LIKE = /\+?\p{Nd}(?:[\s().\-/]{0,2}\p{Nd}){6,}/gu;

/** An id from a request, as a log shows it: of bounded length, and a telephone number in its place by its last digits. */
export function shownId(untrustedId: string): string {
  const id = untrustedId.length > LONGEST_ID ? `${untrustedId.slice(0, LONGEST_ID)}…` : untrustedId;
  return OWN_ID.test(id) ? id : withoutNumbers(id);
}

/** A text with every telephone number in its place by its last digits: for refusals that repeat what came. */
export function withoutNumbers(untrustedText: string): string {
  return untrustedText.replace(NUMBER_LIKE, maskPhone);
}

/**
 * The text with everything written as `\uXXXX` that could end a line, drive a terminal or reorder what is read:
 * control characters, line and paragraph separators, bidirectional controls (Unicode UAX #9; "Trojan Source",
 * CVE-2021-42574). Inside a JSON string the result reads back as the same text.
 */
export function escapeControls(untrustedText: string): string {
  return untrustedText.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
