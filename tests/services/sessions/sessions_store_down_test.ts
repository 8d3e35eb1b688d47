import assert from "node:assert/strict";
import { NotYourSession, StoreUnavailable } from "../../../services/errors.ts";
import {
  OWNERSHIP_MEMORY_MS,
  OWNERSHIP_OUTAGE_MS,
} from "../../../services/sessions/ownership_memory.ts";
import { json, type ProxiedPath, SESSION, withProxiedPath } from "../../support/proxied_path.ts";
import { aRequest } from "../../support/upstream_request.ts";

const HELLO = { operationName: "SendMessage", text: "hello" };
const COMPLETE = { operationName: "Complete" };

const accept = ({ sessions, call }: ProxiedPath, agentId: string) =>
  sessions.accept(call(agentId, { operationName: "Accept", nickname: "Ada" }));

/** Lets the background work come to its end: it waits on the clock and on nothing else. */
async function settle({ sessions, clock }: ProxiedPath): Promise<void> {
  let done = false;
  const settled = sessions.settled().then(() => done = true);
  while (!done) {
    await Promise.race([settled, clock.whenArmed()]);
    clock.advance(clock.nextDueInMs() ?? 0);
  }
}

Deno.test("accept() throws StoreUnavailable and asks upstream nothing while the store is down", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail();
    await assert.rejects(accept(path, "agent-1"), StoreUnavailable);
    assert.equal(path.upstream.seen.length, 0);
  });
});

Deno.test("operate() and read() go on while the store is down for those who are known, and for no one else", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.fail();
    const operate = (agentId: string) => path.sessions.operate(path.call(agentId, HELLO));
    const read = (agentId: string) =>
      path.sessions.read({ agentId, sessionId: SESSION, request: aRequest() });
    for (const act of [operate, read]) {
      assert.equal((await act("agent-1")).status, 200);
      await assert.rejects(act("agent-2"), StoreUnavailable);
    }
    path.clock.advance(OWNERSHIP_OUTAGE_MS - 1);
    for (const act of [operate, read]) {
      assert.equal((await act("agent-1")).status, 200);
      await assert.rejects(act("agent-2"), StoreUnavailable);
    }
    path.clock.advance(1);
    for (const act of [operate, read]) await assert.rejects(act("agent-1"), StoreUnavailable);
    assert.equal(path.upstream.seen.length, 5);
  });
});

Deno.test("operate() is refused once the store answers that another has the session, however known one was", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    const elsewhere = path.anotherInstance();
    await elsewhere.operate(path.call("agent-1", COMPLETE));
    await elsewhere.accept(path.call("agent-2", { operationName: "Accept", nickname: "Bea" }));
    path.clock.advance(OWNERSHIP_MEMORY_MS);
    await assert.rejects(path.sessions.operate(path.call("agent-1", HELLO)), NotYourSession);
    // What the store has said is what is known from then on.
    path.clock.advance(OWNERSHIP_MEMORY_MS);
    path.watched.fail();
    await assert.rejects(path.sessions.operate(path.call("agent-1", HELLO)), StoreUnavailable);
  });
});

Deno.test("accept() answers although it cannot confirm, and confirms once the store is back", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail(["confirmSession"]);
    const { status, body } = await accept(path, "agent-1");
    assert.equal(status, 200);
    assert.equal(new TextDecoder().decode(body), '{"statusCode":0}');
    assert.equal(await path.agents(), null);
    const [failure] = path.log.of("session.follow_up_failed");
    assert.equal(failure?.level, "error");
    assert.equal(failure?.fields.action, "confirm");

    await path.clock.whenArmed();
    path.watched.recover();
    await settle(path);
    assert.equal(await path.agents(), "agent-1");
    assert.deepEqual(await path.events(), [["session.accepted", { nickname: "Ada" }]]);
  });
});

Deno.test("accept() gives up confirming when the claim lapses, and says so", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail(["confirmSession"]);
    const begunAtMs = path.clock.now();
    await accept(path, "agent-1");
    await settle(path);
    assert.ok(path.clock.now() - begunAtMs <= 70_000);
    assert.equal(path.log.of("session.follow_up_abandoned")[0]?.fields.action, "confirm");
    assert.ok(path.watched.calls.length < 20, `${path.watched.calls.length} calls`);
    path.watched.recover();
    await settle(path);
    assert.equal(await path.agents(), null);
  });
});

Deno.test("accept() maps once and wakes the senders when only the store's answer got lost", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail(["confirmSession"], "after-writing");
    await accept(path, "agent-1");
    await path.clock.whenArmed();
    path.watched.recover();
    await settle(path);
    assert.equal((await path.events()).length, 1);
    assert.deepEqual(path.announced, [1]);
  });
});

Deno.test("accept() releases the claim of a refused Accept once the store is back", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail(["releaseClaim"]);
    path.say(() => json(2));
    assert.equal((await accept(path, "agent-1")).status, 200);
    await path.clock.whenArmed();
    path.watched.recover();
    await settle(path);
    path.say(() => json(0));
    await accept(path, "agent-2");
    assert.equal(await path.agents(), "agent-2");
  });
});

Deno.test("operate() answers although it cannot write the effect, and writes it once the store is back", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.fail(["applyEffect"]);
    assert.equal((await path.sessions.operate(path.call("agent-1", COMPLETE))).status, 200);
    assert.equal(await path.agents(), "agent-1");
    await path.clock.whenArmed();
    path.watched.recover();
    await settle(path);
    assert.equal(await path.agents(), null);
    assert.equal((await path.events()).length, 2);
  });
});

Deno.test("operate() wakes the senders when only the store's answer to an effect got lost", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.fail(["applyEffect"], "after-writing");
    await path.sessions.operate(path.call("agent-1", COMPLETE));
    await path.clock.whenArmed();
    path.watched.recover();
    await settle(path);
    assert.equal((await path.events()).length, 2);
    assert.deepEqual(path.announced, [1]);
  });
});

Deno.test("operate() never ends a mapping before a belated confirm has made it", async () => {
  await withProxiedPath(async (path) => {
    path.watched.fail(["confirmSession"]);
    await accept(path, "agent-1");
    await path.clock.whenArmed();
    // The session is over already while its confirm is still being tried.
    await path.sessions.operate(path.call("agent-1", COMPLETE));
    path.watched.recover();
    await settle(path);
    assert.equal(await path.agents(), null);
    assert.deepEqual((await path.events()).map(([type]) => type), [
      "session.accepted",
      "session.released",
    ]);
  });
});
