import type { RecordStore } from "../../store/port/records.ts";
import type { Clock } from "../../support/clock.ts";
import { FOLLOW_MS, type LivingInstance } from "./decisions.ts";
import { decodeSubscription, type Subscription } from "./subscription.ts";

/** The records that all instances share: who is to be followed, and by whom. Everything throws `StoreUnavailable`. */
export interface SubscriptionRecords {
  /** The text of a subscription's record. */
  read(key: string): Promise<string | null>;
  /** Changes it if it holds `expected`; false: it does not. It lives {@link FOLLOW_MS} unless told otherwise. */
  write(
    key: string,
    expected: string | null,
    text: string | null,
    lifetimeMs?: number,
  ): Promise<boolean>;
  /** Every subscription, in two round trips for four hundred. */
  subscriptions(): Promise<readonly Subscription[]>;
  /** Every instance that is alive. */
  instances(): Promise<readonly LivingInstance[]>;
  isAlive(instanceId: string): Promise<boolean>;
}

/** More commands than these at once only wait for each other in the store's connection. */
export const COMMANDS_AT_ONCE = 32;

const PAGE = 200;

export function createSubscriptionRecords(
  { records, clock }: { readonly records: RecordStore; readonly clock: Pick<Clock, "now"> },
): SubscriptionRecords {
  async function listAll(kind: "subscription" | "instance") {
    const nowMs = clock.now();
    const all: { readonly key: string; readonly text: string }[] = [];
    let cursor: string | undefined;
    do {
      const page = await records.listRecords({
        kind,
        nowMs,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      all.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return all;
  }

  return {
    read: (key) => records.readRecord({ kind: "subscription", key }, clock.now()),
    async write(key, expected, text, lifetimeMs = FOLLOW_MS) {
      const nowMs = clock.now();
      const untilMs = nowMs + lifetimeMs;
      const name = { kind: "subscription", key } as const;
      return (await records.writeRecord({ ...name, expected, text, untilMs, nowMs })).written;
    },
    async subscriptions() {
      const items = await listAll("subscription");
      return items.flatMap(({ key, text }) => decodeSubscription(key, text) ?? []);
    },
    async instances() {
      const items = await listAll("instance");
      return items.map(({ key, text }) => ({ id: key, untilMs: Number(text) || clock.now() }));
    },
    isAlive: async (instanceId) =>
      await records.readRecord({ kind: "instance", key: instanceId }, clock.now()) !== null,
  };
}
