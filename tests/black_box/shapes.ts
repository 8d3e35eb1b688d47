/** The shapes of DESIGN.md's contract, as strict as it states them. */
import * as v from "valibot";

const Rfc3339 = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/),
);

const EventShape = v.strictObject({
  type: v.string(),
  timestamp: Rfc3339,
  data: v.looseObject({
    eventId: v.pipe(v.string(), v.regex(/^evt_/)),
    sessionId: v.nullable(v.string()),
    sequence: v.nullable(v.number()),
    agentId: v.nullable(v.string()),
  }),
});

/** What happened, as `GET /v1/events` and webhooks tell it. */
export type Event = v.InferOutput<typeof EventShape>;

const SessionShape = v.strictObject({
  id: v.string(),
  agentId: v.string(),
  nickname: v.nullable(v.string()),
  participants: v.array(v.unknown()),
  state: v.string(),
  acceptedAt: Rfc3339,
  updatedAt: Rfc3339,
  sequence: v.number(),
  customer: v.nullable(v.strictObject({ phone: v.string() })),
});

const WebhookShape = v.looseObject({
  id: v.pipe(v.string(), v.regex(/^wh_/)),
  secret: v.pipe(v.string(), v.regex(/^whsec_/)),
});

const DeliveryShape = v.looseObject({ id: v.string(), status: v.string() });

const DeliveryWithAttemptsShape = v.looseObject({
  ...DeliveryShape.entries,
  attempts: v.array(v.looseObject({})),
});

const ProblemShape = v.looseObject({
  type: v.string(),
  title: v.pipe(v.string(), v.minLength(1)),
  status: v.number(),
  detail: v.pipe(v.string(), v.minLength(1)),
  instance: v.pipe(v.string(), v.minLength(1)),
  statusCode: v.number(),
  statusMessage: v.pipe(v.string(), v.minLength(1)),
});

const listOf = <S extends v.GenericSchema>(item: S) =>
  v.strictObject({ data: v.array(item), nextCursor: v.nullable(v.string()) });

/** Each throws, with the place, what does not have the shape. */
export const readEvent = v.parser(EventShape);
export const readEvents = v.parser(listOf(EventShape));
export const readSession = v.parser(SessionShape);
export const readSessions = v.parser(listOf(SessionShape));
export const readCreatedWebhook = v.parser(WebhookShape);
export const readDeliveries = v.parser(listOf(DeliveryShape));
export const readDelivery = v.parser(DeliveryWithAttemptsShape);
export const readProblem = v.parser(ProblemShape);
