import * as v from "valibot";
import type { Delivery } from "../../../simulator/webhook_consumer/webhook_inbox.ts";

/** An event as a consumer got it. */
export interface ToldEvent {
  readonly sessionId: string | null;
  readonly sequence: number | null;
  /** Its type without `session.` in front. */
  readonly kind: string;
  /**
   * `{holder}: {kind} {what}`, such as `ann: status_changed Chatting`. Who holds nothing is `nobody`; of
   * messages it tells who said what, of participants their nicknames.
   */
  readonly line: string;
}

const messageSchema = v.object({
  type: v.string(),
  from: v.object({ nickname: v.string() }),
  visibility: v.string(),
  text: v.optional(v.string()),
});
const eventSchema = v.object({
  type: v.string(),
  data: v.object({
    sessionId: v.nullable(v.string()),
    sequence: v.nullable(v.number()),
    agentId: v.nullable(v.string()),
    nickname: v.optional(v.string()),
    participant: v.optional(v.object({ agentId: v.string() })),
    operationName: v.optional(v.string()),
    reason: v.optional(v.string()),
    notification: v.optional(v.object({
      smssession: v.optional(v.object({
        state: v.optional(v.string()),
        participants: v.optional(v.array(v.object({ nickname: v.string() }))),
      })),
      messages: v.optional(v.array(messageSchema)),
    })),
  }),
});

type EventData = v.InferOutput<typeof eventSchema>["data"];

/** Reads what a consumer got; throws for what is no event. */
export function readTold({ body }: Delivery): ToldEvent {
  const { type, data } = v.parse(eventSchema, JSON.parse(body));
  const { sessionId, sequence, agentId } = data;
  const kind = type.replace("session.", "");
  const line = `${agentId ?? "nobody"}: ${kind} ${what(kind, data)}`.trimEnd();
  return { sessionId, sequence, kind, line };
}

function what(kind: string, data: EventData): string {
  const { smssession, messages = [] } = data.notification ?? {};
  switch (kind) {
    case "accepted":
      return data.nickname ?? "";
    case "participant_added":
      return data.participant?.agentId ?? "";
    case "released":
      return data.operationName ?? data.reason ?? "";
    case "status_changed":
      return smssession?.state ?? "";
    case "participants_updated":
      return (smssession?.participants ?? []).map(({ nickname }) => nickname).join(", ");
    default:
      return messages.map(said).join(", ");
  }
}

function said({ type, from, visibility, text }: v.InferOutput<typeof messageSchema>): string {
  const to = visibility === "All" ? "" : ` to ${visibility}`;
  return text === undefined
    ? `${from.nickname} ${type}${to}`
    : `${from.nickname} says${to} ${text}`;
}
