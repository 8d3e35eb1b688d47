import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { RecordStore } from "../../../services/store/record_port.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { createCounters } from "../../../services/subscriber/counters.ts";
import { LEASE_TIMES } from "../../../services/subscriber/lease.ts";
import { createRoster, FOLLOW_MS, type Roster } from "../../../services/subscriber/roster.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual_clock.ts";

interface Instance {
  readonly roster: Roster;
  /** Whom it follows now. */
  readonly follows: Set<string>;
  /** Store commands so far. */
  commands: number;
  /** From now on its store does not answer. */
  isCut: boolean;
  isBusy: boolean;
}

interface World {
  readonly clock: VirtualClock;
  readonly records: RecordStore;
  instance(name: string): Instance;
  /** Lets time pass, and whatever it starts happen. */
  pass(ms: number): Promise<void>;
}

/** Rosters of several instances over one store, on one clock. */
async function withRosters(test: (world: World) => Promise<void>): Promise<void> {
  const clock = createVirtualClock();
  const policy = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy });

  function instance(name: string): Instance {
    const counted =
      <Args extends unknown[], Result>(run: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> => {
        made.commands++;
        return made.isCut ? Promise.reject(new StoreUnavailable("reach it")) : run(...args);
      };
    const follows = new Set<string>();
    const roster = createRoster({
      records: {
        readRecord: counted(store.readRecord),
        writeRecord: counted(store.writeRecord),
        listRecords: counted(store.listRecords),
      },
      instanceId: name,
      times: LEASE_TIMES,
      clock,
      random: Math.random,
      log: createMemoryLog(),
      counters: createCounters(),
      canServe: () => true,
      onOwned: ({ key }) => void follows.add(key),
      onReleased: ({ key }) => void follows.delete(key),
      isBusy: () => made.isBusy,
    });
    const made: Instance = { roster, follows, commands: 0, isCut: false, isBusy: false };
    roster.start();
    return made;
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  try {
    await test({
      clock,
      records: store,
      instance,
      async pass(ms) {
        await settle();
        for (let left = ms; left > 0; left -= 500) {
          clock.advance(Math.min(left, 500));
          await settle();
        }
      },
    });
  } finally {
    await store.close();
  }
}

function follow({ roster }: Instance, agentId: string, because: "login" | "accept" = "login") {
  roster.add(roster.account(`agent:${agentId}`), agentId, because);
}

Deno.test("an agent is followed by the instance that was asked first, and by no other", () =>
  withRosters(async ({ instance, pass }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(100);
    follow(second, "agent-1");
    await pass(10 * 60_000);

    assert.deepEqual([...first.follows], ["agent:agent-1"]);
    assert.deepEqual([...second.follows], []);
  }));

Deno.test("two instances that are asked at once agree on one", () =>
  withRosters(async ({ instance, pass }) => {
    const instances = [instance("one"), instance("two"), instance("three")];
    const following = () => instances.reduce((sum, { follows }) => sum + follows.size, 0);
    for (const each of instances) follow(each, "agent-1");
    await pass(100);
    assert.equal(following(), 1);
    await pass(60_000);
    assert.equal(following(), 1);
  }));

for (const lifetimeMs of [100, 1_000, 6_900, 7_100, 12_000, 24_000, 26_000, 100_000]) {
  Deno.test(`an instance that dies ${lifetimeMs} ms after it began to follow is replaced within 30 s, and stops before that`, () =>
    withRosters(async ({ clock, instance, pass }) => {
      const heir = instance("heir");
      await pass(11_300); // at no particular point of its rhythm
      const mortal = instance("mortal");
      follow(mortal, "agent-1");
      await pass(lifetimeMs);
      assert.equal(mortal.follows.size, 1);

      mortal.isCut = true;
      const diedAtMs = clock.now();
      while (heir.follows.size === 0 && clock.now() - diedAtMs < 60_000) {
        await pass(500);
        assert.ok(mortal.follows.size + heir.follows.size <= 1, "two followed at once");
      }

      assert.ok(clock.now() - diedAtMs <= 30_000, `${clock.now() - diedAtMs} ms`);
    }));
}

Deno.test("an instance that was cut off and comes back leaves to others what they have taken over", () =>
  withRosters(async ({ instance, pass }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(1_000);
    first.isCut = true;
    await pass(40_000);
    assert.deepEqual([first.follows.size, second.follows.size], [0, 1]);

    first.isCut = false;
    await pass(60_000);

    assert.deepEqual([first.follows.size, second.follows.size], [0, 1]);
  }));

Deno.test("alone, it goes on once the store is back", () =>
  withRosters(async ({ instance, pass }) => {
    const only = instance("one");
    follow(only, "agent-1");
    await pass(1_000);
    only.isCut = true;
    await pass(40_000);
    assert.equal(only.follows.size, 0);

    only.isCut = false;
    await pass(5_000);

    assert.equal(only.follows.size, 1);
  }));

Deno.test("what is wished for while the store is away comes true when it is back", () =>
  withRosters(async ({ instance, pass }) => {
    const only = instance("one");
    await pass(100);
    only.isCut = true;
    follow(only, "agent-1");
    await pass(20_000);
    assert.equal(only.follows.size, 0);

    only.isCut = false;
    await pass(5_000);

    assert.equal(only.follows.size, 1);
  }));

Deno.test("an agent who signs off at another instance is let go within 30 s", () =>
  withRosters(async ({ instance, pass, records, clock }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(1_000);

    const account = second.roster.account("agent:agent-1");
    second.roster.remove(account, "agent-1");
    await pass(30_000);

    assert.deepEqual([first.follows.size, second.follows.size], [0, 0]);
    assert.equal(
      await records.readRecord({ kind: "subscription", key: account.key }, clock.now()),
      null,
    );
    assert.equal(await records.readRecord({ kind: "instance", key: "one" }, clock.now()), null);
  }));

Deno.test("who signed in is not forgotten over an Accept, whichever is heard first", () =>
  withRosters(async ({ instance, pass }) => {
    const only = instance("one");
    follow(only, "agent-1", "accept");
    follow(only, "agent-2", "login");
    await pass(100);
    follow(only, "agent-1", "login");
    follow(only, "agent-2", "accept");
    await pass(100);

    for (const agentId of ["agent-1", "agent-2"]) {
      assert.equal(only.roster.account(`agent:${agentId}`).agents.get(agentId), "login");
    }
  }));

Deno.test("an agent who was not heard of for a day is let go, unless a session is open", () =>
  withRosters(async ({ instance, pass, clock }) => {
    const [quiet, busy] = [instance("one"), instance("two")];
    follow(quiet, "agent-1");
    follow(busy, "agent-2");
    busy.isBusy = true;
    await pass(1_000);

    for (let hour = 0; hour <= FOLLOW_MS / 3_600_000; hour++) await pass(3_600_000);

    assert.ok(clock.now() > FOLLOW_MS);
    assert.equal(quiet.follows.size, 0);
    assert.equal(busy.follows.size, 1);
  }));

Deno.test("an instance that follows nobody asks the store three times a minute at most", () =>
  withRosters(async ({ instance, pass }) => {
    const idle = instance("idle");
    await pass(60_000);
    idle.commands = 0;

    await pass(10 * 60_000);

    assert.ok(idle.commands <= 27, `${idle.commands} commands in ten minutes`);
  }));

Deno.test("following costs the store by the instance and not by the agent", () =>
  withRosters(async ({ instance, pass }) => {
    const [one, idle] = [instance("one"), instance("idle")];
    for (let agent = 0; agent < 150; agent++) follow(one, `agent-${agent}`);
    await pass(60_000);
    one.commands = idle.commands = 0;

    await pass(10 * 60_000);

    assert.ok(one.commands <= 130, `${one.commands} commands of the one that follows`);
    assert.ok(idle.commands <= 130, `${idle.commands} commands of the other`);
    assert.equal(one.follows.size, 150);
  }));
