import type { IdentifiedEvent } from "../events/own_event.ts";
import { decodeTime } from "ulid";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { Publisher } from "../events/publisher.ts";
import type { MediaRelay, ToldMedia } from "./media.ts";
import type { PhoneNumbers } from "./phone.ts";
import type { OptOuts } from "./opt_outs.ts";
import type { InboundText } from "./provider.ts";

export interface InboundSms {
  /**
   * Publishes `sms.received`, and what follows from it for opting out; resolves once the store has both. A text that has
   * come before does nothing. Throws `StoreUnavailable`; to be repeated then.
   */
  receive(text: InboundText): Promise<void>;
}

export interface InboundSmsDependencies {
  readonly store:
    & Pick<RecordStore, "writeRecord">
    & Pick<SessionStore, "findCustomerSession">;
  readonly publisher: Pick<Publisher, "publishIdentified">;
  readonly optOuts: Pick<OptOuts, "change">;
  readonly numbers: Pick<PhoneNumbers, "spellings">;
  readonly media: Pick<MediaRelay, "tell">;
  readonly ids: Pick<Ids, "event">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long events are kept (`EVENT_RETENTION_S`). */
  readonly eventRetentionMs: number;
}

/** How long a text is remembered by its id. A provider's signature need not hold the time, so a copy may come at any moment. */
const REMEMBERED_MS = 48 * 3_600_000;

/** What is written down of a text when it comes first, so that every copy of it publishes the same or nothing. */
interface Arrival {
  readonly eventId: string;
  /** For `customer.opted_out` or `customer.opted_in`, where the text asks for it. */
  readonly changeEventId: string;
  readonly sessionId: string | null;
}

/**
 * Texts from customers. A text's event ids are written down under the provider's id of it before anything is published, and
 * the store publishes an id once: so copies that arrive side by side make one event, and a crash in between is mended by
 * the copy that the provider sends when it gets no answer.
 */
export function createInboundSms(
  { store, publisher, optOuts, numbers, media, ids, clock, log, eventRetentionMs }:
    InboundSmsDependencies,
): InboundSms {
  async function sessionOf(text: InboundText, nowMs: number): Promise<string | null> {
    return await store.findCustomerSession({
      customerDigits: await numbers.spellings(text.from),
      senderDigits: await numbers.spellings(text.to),
      nowMs,
    });
  }

  /** What was written down when the text came first, which may be now. */
  async function arrivalOf(
    text: InboundText,
    nowMs: number,
  ): Promise<{ arrival: Arrival; isFirst: boolean }> {
    const sessionId = await sessionOf(text, nowMs);
    const fresh: Arrival = {
      eventId: ids.event(nowMs),
      changeEventId: ids.event(nowMs),
      sessionId,
    };
    const { written, text: kept } = await store.writeRecord({
      kind: "inbound-sms",
      key: text.messageSid,
      text: JSON.stringify(fresh),
      expected: null,
      untilMs: nowMs + REMEMBERED_MS,
      nowMs,
    });
    return { arrival: kept === null ? fresh : JSON.parse(kept), isFirst: written };
  }

  /** The event of an opt-out or opt-in, once the ledger holds it; none where the text asks for neither. */
  async function optOutEvents(text: InboundText, arrival: Arrival): Promise<IdentifiedEvent[]> {
    const { wish } = text;
    if (wish !== "out" && wish !== "in") return [];
    const event = await optOuts.change({
      wanted: wish,
      customer: text.from,
      sender: { from: text.to },
      pool: text.pool,
      sessionId: arrival.sessionId,
      reason: "message",
      source: text.messageSid,
      messageSid: text.messageSid,
      eventId: arrival.changeEventId,
      occurredAtMs: timeOf(arrival.changeEventId),
    });
    return event === null ? [] : [event];
  }

  function logReceived(text: InboundText, { sessionId }: Arrival, isFirst: boolean): void {
    log.info("sms.received", {
      messageSid: text.messageSid,
      sessionId,
      from: maskPhone(text.from),
      to: maskPhone(text.to),
      media: text.media.length,
      mediaLeftOut: text.mediaLeftOut,
      repeated: !isFirst,
    });
  }

  return {
    async receive(text) {
      const nowMs = clock.now();
      const { arrival, isFirst } = await arrivalOf(text, nowMs);
      // The store has forgotten the event by now, and would take its id for a new one.
      if (nowMs - timeOf(arrival.eventId) >= eventRetentionMs) return;
      // The ledger first: nobody may hear of an opt-out that does not hold yet.
      const changes = await optOutEvents(text, arrival);
      const told = await media.tell(text.media, {
        id: arrival.eventId,
        occurredAtMs: timeOf(arrival.eventId),
      });
      await publisher.publishIdentified([received(text, told, arrival), ...changes]);
      logReceived(text, arrival, isFirst);
    },
  };
}

function received(
  text: InboundText,
  media: readonly ToldMedia[],
  { eventId, sessionId }: Arrival,
): IdentifiedEvent {
  return {
    id: eventId,
    type: "sms.received",
    sessionId,
    occurredAtMs: timeOf(eventId),
    data: {
      messageIndex: null,
      messageSid: text.messageSid,
      errorCode: null,
      from: text.from,
      to: text.to,
      text: text.untrustedText,
      media,
    },
  };
}

function timeOf(eventId: string): number {
  return decodeTime(eventId.slice(eventId.indexOf("_") + 1));
}
