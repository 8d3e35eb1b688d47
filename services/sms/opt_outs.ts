import type { IdentifiedEvent } from "../events/own_event.ts";
import { decodeTime } from "ulid";
import type { Clock } from "../support/clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { Publisher } from "../events/publisher.ts";
import {
  decideOptOut,
  type OptOutChange,
  type OptOutEntry,
  optOutKey,
  optOutScope,
} from "./opt_out_ledger.ts";
import type { SmsSender } from "./provider.ts";

/** A change that a customer or the provider asks for. Numbers are E.164 or short codes. */
export interface OptOutRequest extends OptOutChange {
  readonly customer: string;
  /** Who of us it is about: the number that was texted, or that a refused text was to leave from. */
  readonly sender: SmsSender;
  readonly sessionId: string | null;
  /** `message`: the customer wrote it; `rejection`: the provider refused a text of ours over it. */
  readonly reason: "message" | "rejection";
  /** The text that asked for it, or that was refused; null: a text that the provider did not even take. */
  readonly messageSid: string | null;
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

/** Who wants no texts from whom. Every method throws `StoreUnavailable` when the store is. */
export interface OptOuts {
  /**
   * Whether texts from `sender` to `customer` are to be left unsent: to be asked before every send, with the text that is about
   * to be sent. Where it is that text's own refusal that was written down, `customer.opted_out` is published again, under
   * its first id: an earlier attempt may have ended in between.
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
  readonly records: Pick<RecordStore, "readRecord" | "writeRecord">;
  readonly publisher: Pick<Publisher, "publishIdentified">;
  readonly ids: Pick<Ids, "event">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whom texts come from by configuration. */
  readonly own: SmsSender;
}

/** Each lost race is somebody else's success, so this many in a row mean a fault. */
const MAX_TRIES = 10;

/** How long it is remembered that somebody opted in again: for as long as an older text may be repeated. */
const OPTED_IN_KEPT_MS = 48 * 3_600_000;

/**
 * The opt-out ledger. An opt-out is kept without an end, and expunging a session leaves it: it could not be honoured
 * without the two numbers.
 */
export function createOptOuts(
  { records, publisher, ids, clock, log, own }: OptOutsDependencies,
): OptOuts {
  const nameOf = (customer: string, scope: string) =>
    ({ kind: "opt-out", key: optOutKey(customer, scope) }) as const;

  async function change(request: OptOutRequest): Promise<IdentifiedEvent | null> {
    const scope = optOutScope(own, request.sender);
    const name = nameOf(request.customer, scope);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const nowMs = clock.now();
      const text = await records.readRecord(name, nowMs);
      const decision = decideOptOut(text === null ? null : decode(text), request);
      if (decision.kind === "nothing") return null;
      if (decision.kind === "repeat") return eventOf(request, scope, decision.eventId);
      const { written } = await records.writeRecord({
        ...name,
        text: JSON.stringify(decision.entry),
        expected: text,
        untilMs: decision.entry.state === "out" ? null : nowMs + OPTED_IN_KEPT_MS,
        nowMs,
      });
      if (written && decision.kind === "confirm") return null;
      if (written) return told(request, scope);
    }
    throw new StoreUnavailable("write down an opt-out that keeps changing");
  }

  function told(request: OptOutRequest, scope: string): IdentifiedEvent {
    const event = eventOf(request, scope, request.eventId);
    const { sessionId, reason, messageSid, customer } = request;
    log.info(event.type, { sessionId, reason, messageSid, phone: maskPhone(customer) });
    return event;
  }

  return {
    async isOptedOut(customer, sender, asking) {
      const scope = optOutScope(own, sender);
      const text = await records.readRecord(nameOf(customer, scope), clock.now());
      const entry = text === null ? null : decode(text);
      if (entry?.state !== "out") return false;
      if (asking?.source === entry.source) {
        const told = { ...refused({ ...asking, customer, sender }), ...idOf(entry) };
        await publisher.publishIdentified([eventOf(told, scope, entry.eventId)]);
      }
      return true;
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
  return { ...refusal, wanted: "out", reason: "rejection", messageSid: null } as const;
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
    data: { phone: customer, sender: scope, reason, messageSid },
  };
}

function decode(text: string): OptOutEntry {
  return JSON.parse(text);
}
