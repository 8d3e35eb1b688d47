/**
 * What a webhook is. {@link MEMBERS} has a row for each member that whoever registers a webhook can set; from it come the
 * type {@link Webhook}, what registering and changing take, how a webhook is kept and shown, and the table in
 * `docs/webhooks.md`. A new member is a new row here, and the place that goes by it.
 */

import * as v from "valibot";
import { EXPECTED_AGENT_ID, isAgentId } from "../auth/agent_id.ts";
import { PAYLOAD_KINDS } from "../events/event_body.ts";
import { isKnownPattern } from "../events/event_types.ts";
import type { WebhookEntry } from "../store/port/webhooks.ts";
import { ownHeadersSchema } from "./own_headers.ts";
import { rateLimitSchema } from "./rate_limit.ts";
import { recoverySchema } from "./recovery_job.ts";

/** How a webhook's requests are signed: HMAC-SHA256 (`v1`), Ed25519 (`v1a`) or both. */
export const SIGNING_SCHEMES = ["v1", "v1a"] as const;
export type SigningScheme = (typeof SIGNING_SCHEMES)[number];

/** `session`: deliveries of one session arrive in `sequence` order. `none`: no delivery waits for another. */
const ORDERINGS = ["session", "none"] as const;

const MAX_URL_LENGTH = 2_048;
const MAX_EVENT_TYPES = 50;
const MAX_AGENT_IDS = 100;
const MAX_CONCURRENCY = 100;
const MAX_DESCRIPTION_LENGTH = 256;

const URL_TEXT = `a URL of at most ${MAX_URL_LENGTH} characters`;
const EVENT_TYPE = 'a known event type, "prefix.*" of one, or "*"';
const AGENT_IDS = "a list of 1 or more agents' ids, or null for all";
const SCHEMES = `a list of 1 or more of ${SIGNING_SCHEMES.join(", ")}, each once`;
const CONCURRENCY = `an integer from 1 to ${MAX_CONCURRENCY}`;
const DESCRIPTION = `a text of at most ${MAX_DESCRIPTION_LENGTH} characters, or null`;

/** One row: what is taken, what is kept, what is meant where nothing is said, and what the documentation says of it. */
interface Row<TInput extends v.GenericSchema, TKept extends v.GenericSchema> {
  /** Its messages say what was expected. */
  readonly input: TInput;
  /** Wider than `input`: a record that was written under other limits has to be readable. */
  readonly kept: TKept;
  readonly default: v.InferOutput<TKept>;
  readonly meaning: string;
}

function row<TInput extends v.GenericSchema, TKept extends v.GenericSchema>(
  described: Row<TInput, TKept>,
): Row<TInput, TKept> {
  return described;
}

/** The members that can be set, in the order in which they are documented and shown. */
export const MEMBERS = {
  url: {
    input: v.pipe(v.string(URL_TEXT), v.maxLength(MAX_URL_LENGTH, URL_TEXT)),
    kept: v.string(),
    expected: URL_TEXT,
    meaning:
      "`https`, port 443 or 8443, a name of public addresses alone (docs/egress.md); no user name, no fragment",
  },
  eventTypes: row({
    input: v.pipe(
      v.array(
        v.pipe(v.string(EVENT_TYPE), v.check(isKnownPattern, EVENT_TYPE)),
        "a list of 1 or more event types",
      ),
      v.minLength(1, "a list of 1 or more event types"),
      v.maxLength(MAX_EVENT_TYPES, `at most ${MAX_EVENT_TYPES} event types`),
    ),
    kept: v.array(v.string()),
    default: ["*"],
    meaning: "types, `prefix.*`, or `*`",
  }),
  agentIds: row({
    input: v.nullable(v.pipe(
      v.array(
        v.pipe(v.string(EXPECTED_AGENT_ID), v.check((id) => isAgentId(id), EXPECTED_AGENT_ID)),
        AGENT_IDS,
      ),
      v.minLength(1, AGENT_IDS),
      v.maxLength(MAX_AGENT_IDS, `at most ${MAX_AGENT_IDS} agents' ids`),
    )),
    kept: v.nullable(v.array(v.string())),
    default: null,
    meaning: "only events of sessions that these agents hold; `null`: of all",
  }),
  ordering: row({
    input: v.picklist(ORDERINGS, `one of ${ORDERINGS.join(", ")}`),
    kept: v.picklist(ORDERINGS),
    default: "session",
    meaning: '`"none"`: no event waits for another',
  }),
  payload: row({
    input: v.picklist(PAYLOAD_KINDS, `one of ${PAYLOAD_KINDS.join(", ")}`),
    kept: v.picklist(PAYLOAD_KINDS),
    default: "full",
    meaning:
      '`"thin"`: only `eventId`, `sessionId`, `sequence` and `agentId`; fetch the rest from `GET /v1/events/{id}`',
  }),
  signing: row({
    input: v.pipe(
      v.array(v.picklist(SIGNING_SCHEMES, `one of ${SIGNING_SCHEMES.join(", ")}`), SCHEMES),
      v.minLength(1, SCHEMES),
      v.check((schemes) => new Set(schemes).size === schemes.length, SCHEMES),
    ),
    kept: v.array(v.picklist(SIGNING_SCHEMES)),
    default: ["v1"],
    meaning: "`v1`: a shared secret (HMAC-SHA256); `v1a`: a key pair (Ed25519); or both",
  }),
  // Kept apart: the values with the other credentials, under seal, and here only the names.
  headers: {
    input: ownHeadersSchema,
    default: {},
    meaning:
      "up to 20 of your own, for a gateway's password or a tenant's name; sealed at rest, shown as `***`. " +
      "Names that Patchbay sets itself, or that steer the connection, are refused",
  },
  rateLimit: row({
    input: v.nullable(rateLimitSchema),
    kept: v.nullable(v.union([v.number(), v.string()])),
    default: null,
    meaning: 'requests per second, as `5` or `"5/s"`; what is over it waits',
  }),
  concurrency: row({
    input: v.pipe(
      v.number(CONCURRENCY),
      v.integer(CONCURRENCY),
      v.minValue(1, CONCURRENCY),
      v.maxValue(MAX_CONCURRENCY, CONCURRENCY),
    ),
    kept: v.number(),
    default: 10,
    meaning: `how many sessions are served at once, 1 to ${MAX_CONCURRENCY}`,
  }),
  description: row({
    input: v.nullable(
      v.pipe(v.string(DESCRIPTION), v.maxLength(MAX_DESCRIPTION_LENGTH, DESCRIPTION)),
    ),
    kept: v.nullable(v.string()),
    default: null,
    meaning: "for people",
  }),
} as const;

type Members = typeof MEMBERS;
/** The members that are kept as they were given. */
type KeptName = Exclude<keyof Members, "headers">;
type OptionalName = Exclude<keyof Members, "url">;

type KeptEntries = { readonly [N in KeptName]: Members[N]["kept"] };
type OptionalEntries = {
  readonly [N in OptionalName]: v.ExactOptionalSchema<Members[N]["input"], undefined>;
};

const { url, ...optional } = MEMBERS;
const { headers: _, ...keptOptional } = optional;
const optionalEntries = mapRows(optional, ({ input }) => v.exactOptional(input)) as OptionalEntries;

/** What registering takes (DESIGN §9). Unknown members are refused: a misspelt one would do nothing, unnoticed. */
export const draftSchema = v.strictObject({ url: url.input, ...optionalEntries });

/** What changing takes: any of the same members. */
export const patchSchema = v.strictObject({ url: v.exactOptional(url.input), ...optionalEntries });

/** What a webhook has for the members of which its registration says nothing. */
export const DEFAULTS = mapRows(keptOptional, (member) => member.default) as {
  readonly [N in Exclude<KeptName, "url">]: v.InferOutput<Members[N]["kept"]>;
};

const recordSchema = v.object({
  url: url.kept,
  // A record from before there was a member has its default.
  ...mapRows(
    keptOptional,
    (member) => v.optional<v.GenericSchema, unknown>(member.kept, member.default),
  ) as Omit<KeptEntries, "url">,
  headerNames: v.array(v.string()),
  /** The public keys of `v1a` that sign now, and rotated ones until their time. */
  publicKeys: v.array(v.object({ key: v.string(), untilMs: v.nullable(v.number()) })),
  disabled: v.nullable(v.object({ reason: v.string(), atMs: v.number() })),
  /** When somebody last enabled it; null where it was never disabled. */
  enabledAtMs: v.optional(v.nullable(v.number()), null),
  recovery: v.optional(v.nullable(recoverySchema), null),
  previousSecretUntilMs: v.nullable(v.number()),
  createdAtMs: v.number(),
  updatedAtMs: v.number(),
  sealedCredentials: v.string(),
});

/** A registered webhook. Nothing in it is secret in the clear. */
export interface Webhook extends Readonly<v.InferOutput<typeof recordSchema>> {
  /** `wh_` and a ULID. */
  readonly id: string;
}

/** The members that are shown as they are kept, in the table's order. */
export function keptMembers(webhook: Webhook): { readonly [N in KeptName]: Webhook[N] } {
  return { url: webhook.url, ...mapRows(keptOptional, (_, name) => webhook[name]) } as {
    readonly [N in KeptName]: Webhook[N];
  };
}

/** A webhook as the store keeps it. */
export function encodeWebhook({ id, ...record }: Webhook): WebhookEntry {
  return { id, json: JSON.stringify(record) };
}

/**
 * Reads back what {@link encodeWebhook} wrote.
 *
 * @throws {TypeError} if it is nothing of the kind; the message names the webhook.
 */
export function decodeWebhook({ id, json }: WebhookEntry): Webhook {
  const result = v.safeParse(recordSchema, JSON.parse(json));
  if (!result.success) {
    const where = v.getDotPath(result.issues[0]) ?? "the record";
    throw new TypeError(`Cannot read webhook ${id} from the store: ${where} is not as written`);
  }
  return { id, ...result.output };
}

function mapRows<TRows extends object>(
  rows: TRows,
  map: (row: TRows[keyof TRows], name: keyof TRows) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rows).map(([name, member]) => [name, map(member, name as keyof TRows)]),
  );
}
