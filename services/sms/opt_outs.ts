import { decodeTime } from "ulid";
import type { IdentifiedEvent } from "../events/own_event.ts";
import type { Publisher } from "../events/publisher.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import {
  isOpenedAt,
  type OptOutEntry,
  optOutKey,
  optOutScope,
  sendersOf,
} from "./opt_out_ledger.ts";
import type { OptOutRecords } from "./opt_out_records.ts";
import type { SmsSender } from "./provider.ts";

/** A change that a customer or the provider asks for. */
export interface OptOutRequest {
  readonly wanted: "out" | "in";
  readonly customer: string;
  /** Who of us it is about: the number that was texted, or that a refused text was to leave from. */
  readonly sender: SmsSender;
  /** The pool that the number belongs to, where it is told. */
  readonly pool: string | null;
  readonly sessionId: string | null;
  /** `message`: the customer wrote it; `rejection`: the provider refused a text of ours over it. */
  readonly reason: "message" | "rejection";
  /** The text that asked for it, or that was refused; null: a text that the provider did not even take. */
  readonly messageSid: string | null;
  /** Names the message or the refusal, the same in every copy of it. */
  readonly source: string;
  /** The event that is to tell of it, if it proves to be a change; ids sort by time. */
  readonly eventId: string;
  readonly occurredAtMs: number;
}

/** The provider refused a text because the customer has opted out. */
export interface OptOutRefusal {
  readonly customer: string;
  readonly sender: SmsSender;
  readonly sessionId: string | null;
  /** Names the attempt, so that noting it twice tells of it once. */
  readonly source: string;
}

/** Who wants no texts. Every method throws `StoreUnavailable` when the store is. */
export interface OptOuts {
  /**
   * Whether texts to `customer` are to be left unsent, whichever of us they would leave from: to be asked before every send,
   * with the text that is about to be sent. Where it is that text's own refusal that was written down, `customer.opted_out`
   * is published again, under its first id: an earlier attempt may have ended in between.
   */
  isOptedOut(
    customer: string,
    sender: SmsSender,
    text?: Pick<OptOutRefusal, "sessionId" | "source">,
  ): Promise<boolean>;
  /**
   * Writes a change down. Returns the event that tells of it, which the caller publishes (again, for a repeated source);
   * null: it is no change.
   */
  change(request: OptOutRequest): Promise<IdentifiedEvent | null>;
  /** Writes down what a refusal has revealed, and publishes `customer.opted_out` if it was news. */
  noteRefusal(refusal: OptOutRefusal): Promise<void>;
}

export interface OptOutsDependencies {
  readonly ledger: OptOutRecords;
  readonly publisher: Pick<Publisher, "publishIdentified">;
  readonly ids: Pick<Ids, "event">;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What customers and the provider say about texts. A STOP to any of our senders ends all texts to the customer; a START opens
 * what was closed at the same number or its pool. An opt-out is kept without an end, and expunging a session leaves it: it
 * could not be honoured without the number.
 */
export function createOptOuts(
  { ledger, publisher, ids, clock, log }: OptOutsDependencies,
): OptOuts {
  async function change(request: OptOutRequest): Promise<IdentifiedEvent | null> {
    const { wanted, customer } = request;
    const senders = sendersOf(request.sender, request.pool);
    const keys = wanted === "out"
      ? [optOutKey(customer, senders)]
      : (await ledger.of(customer)).filter(({ entry }) => isOpenedAt(entry, senders))
        .map(({ key }) => key);
    let told: string | null = null;
    let isChange = false;
    for (const key of keys) {
      const changed = await ledger.change(key, { ...request, senders, by: null });
      told ??= changed.told;
      isChange ||= changed.isNew;
    }
    if (told === null) return null;
    const event = eventOf(request, optOutScope(senders), told);
    const { sessionId, reason, messageSid } = request;
    if (isChange) {
      log.info(event.type, { sessionId, reason, messageSid, phone: maskPhone(customer) });
    }
    return event;
  }

  return {
    async isOptedOut(customer, sender, asking) {
      const closed = (await ledger.of(customer)).filter(({ entry }) => entry.state === "out");
      const own = closed.find(({ entry }) => asking?.source === entry.source)?.entry;
      if (asking !== undefined && own !== undefined) {
        const told = { ...refused({ ...asking, customer, sender }), ...idOf(own) };
        const scope = optOutScope(sendersOf(sender));
        await publisher.publishIdentified([eventOf(told, scope, own.eventId)]);
      }
      return closed.length > 0;
    },
    change,
    async noteRefusal(refusal) {
      const occurredAtMs = clock.now();
      const eventId = ids.event(occurredAtMs);
      const event = await change({ ...refused(refusal), eventId, occurredAtMs });
      if (event !== null) await publisher.publishIdentified([event]);
    },
  };
}

/** The change that a refusal at create asks for. */
function refused(refusal: OptOutRefusal) {
  return { ...refusal, pool: null, wanted: "out", reason: "rejection", messageSid: null } as const;
}

/** The event that told of the change to this state, or was to tell. */
function idOf({ eventId }: OptOutEntry) {
  const occurredAtMs = decodeTime(eventId.slice(eventId.indexOf("_") + 1));
  return { eventId, occurredAtMs };
}

function eventOf(request: OptOutRequest, scope: string, eventId: string): IdentifiedEvent {
  const { wanted, sessionId, occurredAtMs, customer, reason, messageSid } = request;
  return {
    id: eventId,
    type: wanted === "out" ? "customer.opted_out" : "customer.opted_in",
    sessionId,
    occurredAtMs,
    data: { phone: customer, sender: scope, reason, messageSid, by: null },
  };
}
