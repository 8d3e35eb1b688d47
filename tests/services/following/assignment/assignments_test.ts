import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import type { RecordStore } from "../../../../services/store/port/records.ts";
import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import { createCounters } from "../../../../services/following/counters.ts";
import { LEASE_TIMES } from "../../../../services/following/assignment/lease.ts";
import { FOLLOW_MS } from "../../../../services/following/assignment/decisions.ts";
import {
  type Assignments,
  createAssignments,
} from "../../../../services/following/assignment/assignments.ts";
import { createMemoryLog } from "../../../support/memory_log.ts";
import { createVirtualClock, type VirtualClock } from "../../../support/virtual_clock.ts";

interface Instance {
  readonly assignments: Assignments;
  /** Whom it follows now. */
  readonly follows: Set<string>;
  /** How often it has ceased to follow somebody. */
  releases: number;
  /** How often it learnt that somebody whom it follows has other credentials. */
  otherCredentials: number;
  /** Store commands so far. */
  commands: number;
  /** From now on its store does not answer. */
  isCut: boolean;
  isBusy: boolean;
  /** It has what it takes to follow. */
  canServe: boolean;
}

interface World {
  readonly clock: VirtualClock;
  readonly records: RecordStore;
  instance(name: string): Instance;
  /** Lets time pass, and whatever it starts happen. */
  pass(ms: number): Promise<void>;
}

/** The assignments of several instances over one store, on one clock. */
async function withInstances(test: (world: World) => Promise<void>): Promise<void> {
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
    const assignments = createAssignments({
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
      canServe: () => made.canServe,
      onOwned: ({ key }) => void follows.add(key),
      onReleased({ key }) {
        follows.delete(key);
        made.releases++;
      },
      onOtherCredentials: () => void made.otherCredentials++,
      isBusy: () => made.isBusy,
    });
    const made: Instance = {
      assignments,
      follows,
      releases: 0,
      otherCredentials: 0,
      commands: 0,
      isCut: false,
      isBusy: false,
      canServe: true,
    };
    assignments.start();
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

function follow({ assignments }: Instance, agentId: string, because: "login" | "accept" = "login") {
  assignments.add(assignments.user(`agent:${agentId}`), agentId, because, { isNews: true });
}

/** As each request of an agent does who has been let in before. */
function work({ assignments }: Instance, agentId: string) {
  assignments.add(assignments.user(`agent:${agentId}`), agentId, "accept", { isNews: false });
}

function leave({ assignments }: Instance, agentId: string) {
  assignments.remove(assignments.user(`agent:${agentId}`), agentId);
}

Deno.test("an agent is followed by the instance that was asked first, and by no other", () =>
  withInstances(async ({ instance, pass }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(100);
    follow(second, "agent-1");
    await pass(10 * 60_000);

    assert.deepEqual([...first.follows], ["agent:agent-1"]);
    assert.deepEqual([...second.follows], []);
  }));

Deno.test("two instances that are asked at once agree on one", () =>
  withInstances(async ({ instance, pass }) => {
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
    withInstances(async ({ clock, instance, pass }) => {
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
  withInstances(async ({ instance, pass }) => {
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
  withInstances(async ({ instance, pass }) => {
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
  withInstances(async ({ instance, pass }) => {
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
  withInstances(async ({ instance, pass, records, clock }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(1_000);

    const user = second.assignments.user("agent:agent-1");
    second.assignments.remove(user, "agent-1");
    await pass(30_000);

    assert.deepEqual([first.follows.size, second.follows.size], [0, 0]);
    assert.equal(
      await records.readRecord({ kind: "subscription", key: user.key }, clock.now()),
      null,
    );
    assert.equal(await records.readRecord({ kind: "instance", key: "one" }, clock.now()), null);
  }));

for (const back of ["one", "two"] as const) {
  Deno.test(`an agent who signs off at one instance and in again at ${back} is followed there, whatever both remember`, () =>
    withInstances(async ({ instance, pass }) => {
      const instances = { one: instance("one"), two: instance("two") };
      follow(instances.one, "agent-1");
      await pass(100);
      work(instances.two, "agent-1");
      await pass(100);
      leave(back === "one" ? instances.two : instances.one, "agent-1");
      await pass(100);

      follow(instances[back], "agent-1");
      await pass(60_000);

      const elsewhere = instances[back === "one" ? "two" : "one"];
      assert.deepEqual([instances[back].follows.size, elsewhere.follows.size], [1, 0]);
    }));
}

Deno.test("an agent who goes on working after another instance has let it go is followed again", () =>
  withInstances(async ({ instance, pass }) => {
    const [first, second] = [instance("one"), instance("two")];
    follow(first, "agent-1");
    await pass(100);
    work(second, "agent-1");
    await pass(100);
    leave(first, "agent-1");
    await pass(30_000); // until the second has looked

    work(second, "agent-1");
    await pass(100);

    assert.deepEqual([first.follows.size, second.follows.size], [0, 1]);
  }));

Deno.test("what another instance writes into a record is taken in by the one that follows, which goes on", () =>
  withInstances(async ({ instance, pass, records, clock }) => {
    const [first, second] = [instance("one"), instance("two")];
    const add = ({ assignments }: Instance, agentId: string) =>
      assignments.add(assignments.user("shared"), agentId, "login", { isNews: true });
    for (const [at, agentId] of ["agent-1", "agent-2", "agent-3", "agent-4"].entries()) {
      add(at % 2 === 0 ? first : second, agentId);
      await pass(100);
    }

    assert.deepEqual([first.follows.size, second.follows.size], [1, 0]);
    assert.equal(first.releases, 0);
    const text = await records.readRecord({ kind: "subscription", key: "shared" }, clock.now());
    for (const agentId of ["agent-1", "agent-2", "agent-3", "agent-4"]) {
      assert.ok(text?.includes(agentId), agentId);
    }
  }));

for (const [what, again] of [["signs in", follow], ["goes on working", work]] as const) {
  Deno.test(`an agent who ${what} again while the sign-off is being written is followed`, () =>
    withInstances(async ({ instance, pass }) => {
      const only = instance("one");
      follow(only, "agent-1");
      await pass(1_000);
      const commands = only.commands;
      leave(only, "agent-1");
      for (let turn = 0; turn < 100 && only.commands === commands; turn++) await null;
      assert.equal(only.commands, commands + 1, "the write has begun");

      again(only, "agent-1");
      await pass(60_000);

      assert.equal(only.follows.size, 1);
    }));
}

Deno.test("who is dismissed is let go at once, and followed anew when asked for before that is written", () =>
  withInstances(async ({ instance, pass }) => {
    const only = instance("one");
    follow(only, "agent-1");
    await pass(1_000);

    only.assignments.dismiss(only.assignments.user("agent:agent-1"));
    assert.equal(only.follows.size, 0);
    work(only, "agent-1");
    await pass(1_000);

    assert.equal(only.follows.size, 1);
  }));

/** Two instances that have seen the agent's token, of which the first follows; and one that has not. */
async function withHeirs(
  test: (world: World & Record<"first" | "heir" | "stranger", Instance>) => Promise<void>,
): Promise<void> {
  await withInstances(async (world) => {
    const { instance, pass } = world;
    const [first, heir, stranger] = [instance("one"), instance("two"), instance("three")];
    stranger.canServe = false;
    follow(first, "agent-1");
    await pass(100);
    work(heir, "agent-1");
    await pass(30_000);
    assert.deepEqual([first.follows.size, heir.follows.size], [1, 0]);
    await test({ ...world, first, heir, stranger });
    assert.equal(stranger.follows.size, 0);
  });
}

Deno.test("whose token ends at one instance is taken over by another that has a later one", () =>
  withHeirs(async ({ first, heir, pass }) => {
    first.canServe = false;
    first.assignments.dismiss(first.assignments.user("agent:agent-1"));
    await pass(30_000);

    assert.deepEqual([first.follows.size, heir.follows.size], [0, 1]);
  }));

Deno.test("whose instance dies is left by those without a token to one that has it", () =>
  withHeirs(async ({ first, heir, pass }) => {
    first.isCut = true;
    await pass(30_000);

    assert.deepEqual([first.follows.size, heir.follows.size], [0, 1]);
  }));

Deno.test("who signs off is not brought back by an instance that has a token, too", () =>
  withHeirs(async ({ first, heir, pass }) => {
    const user = heir.assignments.user("agent:agent-1");
    user.token = { authorization: "Bearer x", expiresAtMs: null, expiry: null };
    leave(first, "agent-1");
    await pass(120_000);

    assert.deepEqual([first.follows.size, heir.follows.size], [0, 0]);
    assert.equal(heir.assignments.users.size, 0);
  }));

Deno.test("an agent whom nobody can follow is forgotten, and followed again as soon as somebody can", () =>
  withInstances(async ({ instance, pass, records, clock }) => {
    const only = instance("one");
    follow(only, "agent-1");
    await pass(1_000);
    only.canServe = false;
    only.assignments.dismiss(only.assignments.user("agent:agent-1"));
    await pass(10_000);

    only.canServe = true;
    work(only, "agent-1");
    await pass(100);
    assert.equal(only.follows.size, 1);

    only.canServe = false;
    only.assignments.dismiss(only.assignments.user("agent:agent-1"));
    await pass(120_000);
    assert.equal(only.assignments.users.size, 0);
    const name = { kind: "subscription", key: "agent:agent-1" } as const;
    assert.equal(await records.readRecord(name, clock.now()), null);
  }));

Deno.test("who signed in is not forgotten over an Accept, whichever is heard first", () =>
  withInstances(async ({ instance, pass }) => {
    const only = instance("one");
    follow(only, "agent-1", "accept");
    follow(only, "agent-2", "login");
    await pass(100);
    follow(only, "agent-1", "login");
    follow(only, "agent-2", "accept");
    await pass(100);

    for (const agentId of ["agent-1", "agent-2"]) {
      assert.equal(only.assignments.user(`agent:${agentId}`).agents.get(agentId), "login");
    }
  }));

Deno.test("an agent who was not heard of for a day is let go, unless a session is open", () =>
  withInstances(async ({ instance, pass, clock }) => {
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
  withInstances(async ({ instance, pass }) => {
    const idle = instance("idle");
    await pass(60_000);
    idle.commands = 0;

    await pass(10 * 60_000);

    assert.ok(idle.commands <= 27, `${idle.commands} commands in ten minutes`);
  }));

Deno.test("following costs the store by the instance and not by the agent", () =>
  withInstances(async ({ instance, pass }) => {
    const [one, idle] = [instance("one"), instance("idle")];
    for (let agent = 0; agent < 150; agent++) follow(one, `agent-${agent}`);
    await pass(60_000);
    one.commands = idle.commands = 0;

    await pass(10 * 60_000);

    assert.ok(one.commands <= 130, `${one.commands} commands of the one that follows`);
    assert.ok(idle.commands <= 130, `${idle.commands} commands of the other`);
    assert.equal(one.follows.size, 150);
  }));

Deno.test("who has other credentials is marked for the instance that follows, which learns of it once and soon", () =>
  withInstances(async ({ instance, pass }) => {
    const one = instance("one");
    const two = instance("two");
    follow(one, "agent-1");
    await pass(1_000);
    await two.assignments.announceCredentials("agent:agent-1");
    // The mark outlives what another instance asks for meanwhile.
    follow(two, "agent-1");
    await pass(30_000);
    assert.deepEqual([one.otherCredentials, two.otherCredentials], [1, 0]);
    assert.deepEqual([...one.follows], ["agent:agent-1"]);
    await pass(60_000);
    assert.deepEqual([one.otherCredentials, one.releases], [1, 0]);
    await two.assignments.announceCredentials("agent:nobody");
  }));
