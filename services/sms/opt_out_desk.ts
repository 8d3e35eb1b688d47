import { decodeTime } from "ulid";
import { InvalidParameter, StoreUnavailable } from "../errors.ts";
import type { Publisher } from "../events/publisher.ts";
import type { Sealer } from "../sealing/secrets.ts";
import type { Page, PageRequest } from "../store/port/paging.ts";
import type { Clock } from "../support/clock.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import { type OptOutEntry, optOutKey, optOutScope } from "./opt_out_ledger.ts";
import type { OptOutRecords } from "./opt_out_records.ts";

/** Who changes the ledger, and why; `reason` null: they did not say. */
export interface OptOutWord {
  /** E.164 or a short code. */
  readonly phone: string;
  readonly agentId: string;
  readonly reason: string | null;
}

/** An entry as people see it. */
export interface OptOutView {
  /** Masked. */
  readonly phone: string;
  /** The number or pool of ours that it came from, numbers masked; null: all of us. */
  readonly sender: string | null;
  readonly reason: string | null;
  readonly by: string | null;
  /** RFC 3339. */
  readonly since: string;
}

/** The opt-out ledger in the hands of people, with SMS on or off. Every method throws `StoreUnavailable` when the store is. */
export interface OptOutDesk {
  /** Whoever is opted out. Throws `InvalidParameter` for a cursor that was none of ours. */
  list(page: PageRequest): Promise<Page<OptOutView>>;
  /** What keeps texts from this phone; empty: nothing does. */
  find(phone: string): Promise<readonly OptOutView[]>;
  /** Ends all texts to the phone, and publishes `customer.opted_out`; done again it changes nothing. */
  close(word: OptOutWord): Promise<OptOutView>;
  /** Allows texts again, whatever had ended them, and publishes `customer.opted_in`; done again it changes nothing. */
  open(word: OptOutWord): Promise<void>;
}

export interface OptOutDeskDependencies {
  readonly ledger: OptOutRecords;
  readonly publisher: Pick<Publisher, "publishIdentified">;
  /** A key of the ledger is a number, so cursors are sealed. */
  readonly sealer: Sealer;
  readonly ids: Pick<Ids, "event">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long events are kept (`EVENT_RETENTION_S`). */
  readonly eventRetentionMs: number;
}

/** What an event says where nobody gave a reason. */
const BY_A_PERSON = "person";

export function createOptOutDesk(
  { ledger, publisher, sealer, ids, clock, log, eventRetentionMs }: OptOutDeskDependencies,
): OptOutDesk {
  async function change(wanted: "out" | "in", word: OptOutWord, keys: readonly string[]) {
    const { phone: customer, agentId: by, reason } = word;
    const eventId = ids.event(clock.now());
    const source = `person:${by}:${reason ?? ""}`;
    const asked = { wanted, customer, senders: [], reason: reason ?? BY_A_PERSON, by, eventId };
    let told: string | null = null;
    let isChange = false;
    for (const key of keys) {
      const changed = await ledger.change(key, { ...asked, source });
      told ??= changed.told;
      isChange ||= changed.isNew;
    }
    // After the retention the store would take an id that it has forgotten for a new one.
    if (told === null || clock.now() - timeOf(told) >= eventRetentionMs) return;
    const type = wanted === "out" ? "customer.opted_out" : "customer.opted_in";
    const data = { phone: customer, sender: null, reason: asked.reason, messageSid: null, by };
    if (isChange) log.info(type, { by, phone: maskPhone(customer) });
    // Again for a copy of the request: an earlier one may have ended between the ledger and this.
    await publisher.publishIdentified([
      { id: told, type, sessionId: null, occurredAtMs: timeOf(told), data },
    ]);
  }

  async function find(phone: string): Promise<readonly OptOutView[]> {
    const records = await ledger.of(phone);
    return records.filter(({ entry }) => entry.state === "out").map(({ entry }) => viewOf(entry));
  }

  async function opened(sealed: string): Promise<string> {
    try {
      return await sealer.open(sealed);
    } catch {
      throw new InvalidParameter("Cannot use this cursor: expected a nextCursor of this list");
    }
  }

  return {
    async list({ limit, cursor }) {
      const from = cursor === undefined ? {} : { cursor: await opened(cursor) };
      const { items, nextCursor } = await ledger.list({ limit, ...from });
      return {
        items: items.map(({ entry }) => viewOf(entry)),
        nextCursor: nextCursor === null ? null : await sealer.seal(nextCursor),
      };
    },
    find,
    async close(word) {
      const key = optOutKey(word.phone, []);
      await change("out", word, [key]);
      const written = (await ledger.of(word.phone)).find((record) => record.key === key);
      if (written !== undefined) return viewOf(written.entry);
      throw new StoreUnavailable("read an opt-out that was just written down");
    },
    async open(word) {
      const records = await ledger.of(word.phone);
      await change("in", word, records.map(({ key }) => key));
    },
  };
}

function viewOf(
  { customer, senders, reason, by, eventId }: Pick<
    OptOutEntry,
    "customer" | "senders" | "reason" | "by" | "eventId"
  >,
): OptOutView {
  const scope = optOutScope(senders);
  return {
    phone: masked(customer),
    sender: senders.length === 0 ? null : masked(scope),
    reason,
    by,
    since: new Date(timeOf(eventId)).toISOString(),
  };
}

/** Numbers by their last four, also in a channel's address; pools and names as they are. */
function masked(address: string): string {
  return address.replace(/\+?\d{5,}$/, maskPhone);
}

function timeOf(eventId: string): number {
  return decodeTime(eventId.slice(eventId.indexOf("_") + 1));
}
