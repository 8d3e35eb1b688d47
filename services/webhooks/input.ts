import * as v from "valibot";
import { MAX_RATE, MIN_RATE } from "./rate.ts";
import { InvalidBody, InvalidParameter } from "../errors.ts";
import { isKnownPattern } from "../events/event_types.ts";
import { ORDERINGS, PAYLOAD_KINDS, SIGNING_SCHEMES } from "./record.ts";

/** What reads show in the place of a header's value. */
export const MASK = "***";

const MAX_URL_LENGTH = 2_048;
const MAX_EVENT_TYPES = 50;
const MAX_AGENT_IDS = 100;
const MAX_AGENT_ID_LENGTH = 256;
const MAX_HEADERS = 20;
const MAX_HEADER_LENGTH = 1_024;
const MAX_DESCRIPTION_LENGTH = 256;
const MAX_CONCURRENCY = 100;
const MAX_SHOWN_LENGTH = 80;

// RFC 9110 §5.6.2 (token).
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/i;
// RFC 9110 §5.5 without obs-text: visible ASCII, with spaces and tabs inside only.
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/;
const PER_SECOND = /^\d{1,9}(\.\d{1,9})?\/s$/;

// Hop-by-hop (RFC 9110 §7.6.1), the message's own framing, what names us, and what we say of the request's way.
// `authorization` is not among them: a consumer's gateway may ask for one.
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "date",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "via",
]);
const FORBIDDEN_PREFIXES = ["content-", "proxy-", "sec-", "webhook-", "x-forwarded-"];

/** Members whose value no message repeats: they may hold passwords. */
const UNSHOWN_MEMBERS: ReadonlySet<string> = new Set(["headers", "url"]);

const listOf = (what: string) => `a list of 1 or more ${what}`;
const CONCURRENCY = `an integer from 1 to ${MAX_CONCURRENCY}`;
const RATE =
  `a number of requests per second from ${MIN_RATE} to ${MAX_RATE}, as a number or as "N/s"`;
const EVENT_TYPE = 'a known event type, "prefix.*" of one, or "*"';
const SCHEMES = listOf(`of ${SIGNING_SCHEMES.join(", ")}, each once`);
const URL_TEXT = `a URL of at most ${MAX_URL_LENGTH} characters`;
const DESCRIPTION = `a text of at most ${MAX_DESCRIPTION_LENGTH} characters, or null`;
const AGENT_ID = `an agent's id of 1 to ${MAX_AGENT_ID_LENGTH} characters`;
const HEADER_TEXT =
  `1 to ${MAX_HEADER_LENGTH} visible ASCII characters and not the ${MASK} that reads show`;
const HEADER_MAP = `an object of at most ${MAX_HEADERS} headers, no name twice`;

const members = {
  eventTypes: v.exactOptional(v.pipe(
    v.array(
      v.pipe(v.string(EVENT_TYPE), v.check(isKnownPattern, EVENT_TYPE)),
      listOf("event types"),
    ),
    v.minLength(1, listOf("event types")),
    v.maxLength(MAX_EVENT_TYPES, `at most ${MAX_EVENT_TYPES} event types`),
  )),
  agentIds: v.exactOptional(v.nullable(v.pipe(
    v.array(
      v.pipe(
        v.string(AGENT_ID),
        v.minLength(1, AGENT_ID),
        v.maxLength(MAX_AGENT_ID_LENGTH, AGENT_ID),
      ),
      `${listOf("agents' ids")}, or null for all`,
    ),
    v.minLength(1, `${listOf("agents' ids")}, or null for all`),
    v.maxLength(MAX_AGENT_IDS, `at most ${MAX_AGENT_IDS} agents' ids`),
  ))),
  ordering: v.exactOptional(v.picklist(ORDERINGS, `one of ${ORDERINGS.join(", ")}`)),
  payload: v.exactOptional(v.picklist(PAYLOAD_KINDS, `one of ${PAYLOAD_KINDS.join(", ")}`)),
  signing: v.exactOptional(v.pipe(
    v.array(v.picklist(SIGNING_SCHEMES, `one of ${SIGNING_SCHEMES.join(", ")}`), SCHEMES),
    v.minLength(1, SCHEMES),
    v.check((schemes) => new Set(schemes).size === schemes.length, SCHEMES),
  )),
  headers: v.exactOptional(v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(HEADER_NAME, "a header name (RFC 9110 token)"),
        v.check(isAllowedHeader, "a header that Patchbay neither sets itself nor forbids"),
      ),
      v.pipe(
        v.string(HEADER_TEXT),
        v.maxLength(MAX_HEADER_LENGTH, HEADER_TEXT),
        v.regex(HEADER_VALUE, HEADER_TEXT),
        v.check((value) => value !== MASK, HEADER_TEXT),
      ),
      HEADER_MAP,
    ),
    v.check((headers) => Object.keys(headers).length <= MAX_HEADERS, HEADER_MAP),
    v.check(hasNoNameTwice, HEADER_MAP),
    v.transform(lowerCased),
  )),
  rateLimit: v.exactOptional(v.nullable(v.union([
    v.pipe(v.number(RATE), v.check(isRate, RATE)),
    v.pipe(
      v.string(RATE),
      v.regex(PER_SECOND, RATE),
      v.check((text) => isRate(parseFloat(text)), RATE),
    ),
  ], RATE))),
  concurrency: v.exactOptional(v.pipe(
    v.number(CONCURRENCY),
    v.integer(CONCURRENCY),
    v.minValue(1, CONCURRENCY),
    v.maxValue(MAX_CONCURRENCY, CONCURRENCY),
  )),
  description: v.exactOptional(v.nullable(
    v.pipe(v.string(DESCRIPTION), v.maxLength(MAX_DESCRIPTION_LENGTH, DESCRIPTION)),
  )),
};
const url = v.pipe(v.string(URL_TEXT), v.maxLength(MAX_URL_LENGTH, URL_TEXT));

/** What registering takes (DESIGN §9). Unknown members are refused: a misspelt one would do nothing, unnoticed. */
export const webhookDraftSchema = v.strictObject({ url, ...members });

/** What changing takes: any of the same members. */
export const webhookPatchSchema = v.strictObject({ url: v.exactOptional(url), ...members });

export type WebhookDraft = v.InferOutput<typeof webhookDraftSchema>;
export type WebhookPatch = v.InferOutput<typeof webhookPatchSchema>;

/**
 * Reads a request to register.
 *
 * @throws {InvalidBody} if it is no JSON object.
 * @throws {InvalidParameter} if a member is missing, unknown or has a value that it cannot have.
 */
export function parseWebhookDraft(untrustedJson: unknown): WebhookDraft {
  return parse(webhookDraftSchema, untrustedJson);
}

/** Reads a request to change; throws as {@link parseWebhookDraft} does. */
export function parseWebhookPatch(untrustedJson: unknown): WebhookPatch {
  return parse(webhookPatchSchema, untrustedJson);
}

function parse<TSchema extends typeof webhookDraftSchema | typeof webhookPatchSchema>(
  schema: TSchema,
  untrustedJson: unknown,
): v.InferOutput<TSchema> {
  if (typeof untrustedJson !== "object" || untrustedJson === null || Array.isArray(untrustedJson)) {
    throw new InvalidBody("Cannot use the body: expected a JSON object");
  }
  // A record schema takes a list for an object whose names are numbers.
  if ("headers" in untrustedJson && Array.isArray(untrustedJson.headers)) {
    throw new InvalidParameter(`Cannot use headers: expected ${HEADER_MAP}`);
  }
  const result = v.safeParse(schema, untrustedJson, { abortEarly: true });
  if (!result.success) throw new InvalidParameter(describe(result.issues[0]));
  return result.output;
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "the body";
  if (issue.type === "strict_object") {
    return issue.expected === "never"
      ? `Cannot use ${path}: expected only ${Object.keys(webhookDraftSchema.entries).join(", ")}`
      : `Cannot do without ${path}: expected ${URL_TEXT}`;
  }
  const [member = ""] = path.split(".");
  return `Cannot use ${path}${shown(member, issue.input)}: expected ${issue.message}`;
}

function shown(member: string, value: unknown): string {
  if (UNSHOWN_MEMBERS.has(member)) return "";
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? "" : `=${text}`;
}

function isAllowedHeader(name: string): boolean {
  const lowerName = name.toLowerCase();
  return !FORBIDDEN_NAMES.has(lowerName) &&
    !FORBIDDEN_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}

function hasNoNameTwice(headers: Record<string, string>): boolean {
  return Object.keys(lowerCased(headers)).length === Object.keys(headers).length;
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function isRate(perSecond: number): boolean {
  return perSecond >= MIN_RATE && perSecond <= MAX_RATE;
}
