import { deliveryId } from "../../../../services/store/delivery_id.ts";
import {
  type ClaimedDelivery,
  type Settlement,
  SMS_SINK,
} from "../../../../services/store/port/deliveries.ts";
import type { EventDraft } from "../../../../services/store/port/events.ts";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { draft, messages, T0, webhook } from "../../../support/drafts.ts";
import type { Command, DraftPlan } from "./commands.ts";

const FAR_MS = 365 * 86_400_000;

/** What a history has made so far; the same for every engine, so that all are asked the same. */
export interface Shared {
  nowMs: number;
  /** How many steps came before. */
  step: number;
  readonly drafts: EventDraft[];
  readonly deliveryIds: string[];
}

/** One engine in a history. */
export interface Player {
  readonly name: string;
  /** Does one step and gives the answer without what may differ between engines: versions, lease tokens, cursors. */
  play(command: Command, shared: Shared, drafts: readonly EventDraft[]): Promise<unknown>;
}

export function newHistory(): Shared {
  return { nowMs: T0, step: 0, drafts: [], deliveryIds: [] };
}

/** The drafts that a step publishes, made once and given to every engine; what they lead to is noted. */
export function draftsOf(command: Command, shared: Shared): EventDraft[] {
  const made = command.do === "publish"
    ? command.drafts.map((plan, at) => planned(plan, shared, at === 0))
    : hasOwnDraft(command)
    ? [ownDraft(command, shared)]
    : [];
  for (const each of made) {
    shared.drafts.push(each);
    const { released } = each;
    if (released !== undefined) shared.deliveryIds.push(deliveryId(released.id, "wh_1", null));
    for (const { id } of each.webhooks) shared.deliveryIds.push(deliveryId(each.id, id, null));
    for (const { index } of each.smsMessages) {
      shared.deliveryIds.push(deliveryId(each.id, SMS_SINK, index));
    }
  }
  return made;
}

function hasOwnDraft(command: Command): boolean {
  return command.do === "confirmSession" || command.do === "applyEffect" ||
    command.do === "resolveDelivery" || command.do === "settle" && command.draft;
}

function ownDraft(command: Command, shared: Shared): EventDraft {
  // What belongs to an outcome is stored beside its delivery, wherever that is.
  const sessionId = "session" in command ? command.session ?? null : null;
  return draft({ type: "own", sessionId, occurredAtMs: shared.nowMs, webhooks: [webhook("wh_1")] });
}

/** Only the first of a request may come again, for the same session: no request names one event twice. */
function planned(plan: DraftPlan, { nowMs, drafts }: Shared, mayRepeat: boolean): EventDraft {
  const { session, stateHash, state, phone, heardBy, ending, guard } = plan;
  const indexes = session === null ? null : plan.messages;
  const earlier = drafts.at(-1);
  return draft({
    ...(plan.again && mayRepeat && session !== null && earlier?.sessionId === session && {
      id: earlier.id,
    }),
    type: plan.type,
    sessionId: session,
    occurredAtMs: nowMs,
    ...(indexes !== null && { data: messages(indexes) }),
    ...(stateHash !== null && session !== null && indexes === null && { stateHash }),
    observed: {
      ...(state !== null && { state }),
      ...(phone !== null && { phone, sender: "16502222222" }),
      ...(heardBy !== null && { heardBy }),
      ...(ending !== null && {
        ending: { reason: "completed", stillIn: ending.stillIn },
        heardAtMs: nowMs - ending.agoMs,
      }),
    },
    ...(ending !== null && {
      released: draft({
        type: "released",
        sessionId: session,
        occurredAtMs: nowMs,
        webhooks: [webhook("wh_1")],
      }),
    }),
    webhooks: plan.webhooks.map(({ id, agents, ordered, held }) =>
      webhook(id, { agentIds: agents, ordered, held })
    ),
    smsMessages: plan.texts
      ? (indexes ?? []).map((index) => ({
        index,
        sentAtMs: nowMs - ([0, 1_000, 62_000][index % 3] ?? 0),
      }))
      : [],
    ...(guard !== null && session !== null && {
      guard: { kind: "sms-status", key: "g", untilMs: nowMs + FAR_MS, ...guard },
    }),
  });
}

/** Plays histories against one engine. */
export function createPlayer(name: string, store: Store): Player {
  let claimed: readonly ClaimedDelivery[] = [];
  let staleVersion = -1;

  const version = async () => (await store.listWebhooks()).version;
  const picked = <T>(from: readonly T[], nth: number): T | undefined => from[nth % from.length];

  function settlement(
    command: Extract<Command, { do: "settle" }>,
    nowMs: number,
    drafts: readonly EventDraft[],
  ): Settlement | null {
    const delivery = picked(claimed, command.nth);
    if (delivery === undefined) return null;
    return {
      deliveryId: delivery.id,
      leaseToken: delivery.leaseToken,
      nowMs,
      attemptJson: '{"class":"ok"}',
      next: command.next === "retrying"
        ? { status: "retrying", atMs: nowMs + 5_000 }
        : { status: command.next },
      health: command.health,
      drafts,
    };
  }

  return {
    name,
    async play(command, { nowMs, step, deliveryIds }, drafts) {
      switch (command.do) {
        case "wait":
          return null;
        case "claimSession":
          return await store.claimSession({
            sessionId: command.session,
            agentId: command.agent,
            token: command.token,
            nowMs,
            untilMs: nowMs + 30_000,
            doubtFromMs: nowMs + 900,
          });
        case "doubtClaim":
          return await store.doubtClaim({
            sessionId: command.session,
            token: command.token,
            nowMs,
          });
        case "confirmSession":
          return await store.confirmSession(
            {
              sessionId: command.session,
              agentId: command.agent,
              nickname: `${command.agent}'s nick`,
              nowMs,
              acceptedUpstreamMs: nowMs,
              as: command.as,
            },
            only(drafts),
            await version(),
          );
        case "releaseClaim": {
          const { session, token, forAll } = command;
          return await store.releaseClaim(session, token, { forAll });
        }
        case "applyEffect": {
          const { session: sessionId, agent: agentId } = command;
          const effect = effectOf(command.effect, nowMs);
          const eventful = command.effect !== "open-seat" && command.effect !== "decline" &&
            command.effect !== "maybe-gone";
          return await store.applyEffect(
            { sessionId, agentId, nowMs, effect },
            eventful ? only(drafts) : null,
            await version(),
          );
        }
        case "readSession":
          return await store.readSession(command.session, { nowMs, slide: command.slide ?? false });
        case "listSessions":
          return await pages((cursor) =>
            store.listSessions({
              nowMs,
              limit: 2,
              ...(command.agent !== null && { agentId: command.agent }),
              ...cursor,
            })
          );
        case "setCustomer": {
          const { session: sessionId, phone, sender } = command;
          return await store.setCustomer({ sessionId, customer: { phone, sender }, nowMs });
        }
        case "firstUnseenMessage":
          return await store.firstUnseenMessage(["S1", "S2", "S3"]);
        case "publish": {
          const webhooksVersion = command.stale ? staleVersion : await version();
          return await store.publish({ drafts, nowMs, webhooksVersion });
        }
        case "claimDeliveries": {
          const { deliveries, ...rest } = await store.claimDeliveries({
            nowMs,
            leaseToken: `L${step}`,
            leaseUntilMs: nowMs + 30_000,
            limit: 1_000,
            capacityPerSink: command.capacity,
            capacity: {},
            rates: {},
            sweep: command.sweep,
          });
          claimed = deliveries.toSorted((a, b) => a.id < b.id ? -1 : 1);
          return { ...rest, deliveries: claimed.map(({ leaseToken: _, ...delivery }) => delivery) };
        }
        case "settle": {
          const asked = settlement(command, nowMs, drafts);
          return asked === null ? null : await store.settleDeliveries({
            settlements: [asked],
            webhooksVersion: await version(),
          });
        }
        case "retryDelivery":
          return await store.retryDelivery(picked(deliveryIds, command.nth) ?? "dlv_none", nowMs);
        case "noteProgress": {
          const delivery = picked(claimed, command.nth);
          return delivery === undefined ? null : await store.noteProgress({
            deliveryId: delivery.id,
            leaseToken: delivery.leaseToken,
            progressJson: command.progress,
            nowMs,
          });
        }
        case "resolveDelivery":
          return await store.resolveDelivery({
            deliveryId: picked(deliveryIds, command.nth) ?? "dlv_none",
            to: command.to,
            attemptJson: "{}",
            draft: only(drafts),
            webhooksVersion: await version(),
            nowMs,
          });
        case "holdDeliveries":
          return await store.holdDeliveries({ sinkId: command.sink, limit: command.limit, nowMs });
        case "requeueDeliveries":
          return await requeue(store, command, nowMs);
        case "countDeliveries":
          return await store.countDeliveries(wholeRange(command));
        case "readDelivery":
          return await store.readDelivery(picked(deliveryIds, command.nth) ?? "dlv_none");
        case "listEvents":
          return await pages((cursor) =>
            store.listEvents({
              limit: 3,
              ...(command.session !== null && { sessionId: command.session }),
              ...(command.type !== null && { type: command.type }),
              ...cursor,
            })
          );
        case "listDeliveries":
          return await pages((cursor) =>
            store.listDeliveries({
              limit: 3,
              ...(command.sink !== null && { sinkId: command.sink }),
              ...(command.status !== null && { status: command.status }),
              ...cursor,
            })
          );
        case "expungeSession":
          return await store.expungeSession(command.session);
        case "putWebhook": {
          const before = await version();
          staleVersion = before;
          const entry = { id: command.id, json: command.json };
          return await store.putWebhook(entry, command.conditional ? before : undefined);
        }
        case "deleteWebhook":
          return await store.deleteWebhook(command.id);
        case "readRecord":
          return await store.readRecord(nameOf(command), nowMs);
        case "writeRecord": {
          const { text, expected, lastsMs } = command;
          return await store.writeRecord({
            ...nameOf(command),
            text,
            ...(expected !== undefined && { expected }),
            untilMs: lastsMs === null ? null : nowMs + lastsMs,
            nowMs,
          });
        }
        case "listRecords":
          return await pages((cursor) =>
            store.listRecords({ kind: command.kind, nowMs, limit: 1, ...cursor })
          );
        case "takeTokens":
          return await store.takeTokens({
            bucket: command.bucket,
            tokens: command.tokens,
            perSecond: 2,
            burst: 4,
            nowMs,
          });
        case "findCustomerSession":
          return await store.findCustomerSession({
            customerDigits: [command.customer],
            senderDigits: [command.sender],
            nowMs,
          });
      }
    },
  };
}

function only(drafts: readonly EventDraft[]): EventDraft {
  const [first] = drafts;
  if (first === undefined) throw new Error("Cannot play a step that publishes without its draft");
  return first;
}

function effectOf(kind: SessionEffect["kind"], nowMs: number): SessionEffect {
  if (kind === "open-seat" || kind === "hand-over" || kind === "maybe-gone") {
    return { kind, untilMs: nowMs + 300_000 };
  }
  if (kind === "release") return { kind, acceptedByMs: nowMs - 900 };
  return kind === "join" ? { kind, nickname: "joined" } : { kind };
}

function nameOf({ kind, key, near }: Extract<Command, { do: "readRecord" | "writeRecord" }>) {
  return { kind, key, ...(near !== null && { near }) };
}

function wholeRange(
  { sink, statuses }: Extract<Command, { do: "requeueDeliveries" | "countDeliveries" }>,
) {
  return { sinkId: sink, statuses, fromMs: T0 - FAR_MS, untilMs: T0 + FAR_MS };
}

async function requeue(
  store: Store,
  command: Extract<Command, { do: "requeueDeliveries" }>,
  nowMs: number,
): Promise<number> {
  let requeued = 0;
  let cursor: string | null = null;
  do {
    const step: { readonly requeued: number; readonly nextCursor: string | null } = await store
      .requeueDeliveries({
        ...wholeRange(command),
        limit: 2,
        nowMs,
        ...(cursor !== null && { cursor }),
      });
    requeued += step.requeued;
    cursor = step.nextCursor;
  } while (cursor !== null);
  return requeued;
}

/** All pages as one list: where a page ends is told by its cursor, and cursors are the engine's own. */
async function pages<T>(
  read: (
    page: { readonly cursor?: string },
  ) => Promise<{ readonly items: readonly T[]; readonly nextCursor: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { readonly items: readonly T[]; readonly nextCursor: string | null } = await read(
      cursor === null ? {} : { cursor },
    );
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}
