import assert from "node:assert/strict";
import { createSealer } from "../../../services/sealing/secrets.ts";
import { createAskerOf, type Doubt } from "../../../services/sessions/doubt.ts";
import { createDoubtBook } from "../../../services/sessions/doubt_book.ts";
import { createFollowUps } from "../../../services/store/follow_ups.ts";
import { openSqliteStore, type SqliteStore } from "../../../services/store/sqlite/store.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual_clock.ts";

const POLICY = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
const TOKEN = "Bearer the-agents-own-token";

interface Shelf {
  readonly store: SqliteStore;
  readonly clock: VirtualClock;
  book(key?: Uint8Array): ReturnType<typeof createDoubtBook>;
}

async function withShelf(test: (shelf: Shelf) => Promise<void>): Promise<void> {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const book = (key = new Uint8Array(32)) =>
    createDoubtBook({
      records: store,
      sealer: createSealer(key),
      followUps: createFollowUps({ clock, log }),
      clock,
      log,
    });
  try {
    await test({ store, clock, book });
  } finally {
    await store.close();
  }
}

const doubtOf = (agentId: string, nowMs: number): Doubt => ({
  agentId,
  sessionId: "session-1",
  operation: { name: "Accept", effect: "accept", nickname: "Ada" },
  nicknames: ["Ada"],
  sentAtMs: nowMs,
  untilMs: nowMs + 60_000,
  asker: { authorization: TOKEN, authorizationExpiresAtMs: nowMs + 300_000 },
  claim: { token: "t", as: "holder", nickname: "Ada" },
});

Deno.test("what is in doubt is kept sealed, and is read as it was kept until it is over", () =>
  withShelf(async ({ store, clock, book }) => {
    const [one, other] = [doubtOf("agent-1", clock.now()), doubtOf("a".repeat(512), clock.now())];
    const { keep, forget } = book();
    await Promise.all([keep(one), keep(other)]);
    const { items } = await store.listRecords({ kind: "doubt", nowMs: clock.now(), limit: 9 });
    assert.equal(items.length, 2);
    for (const secret of [TOKEN, "agent-1", "session-1", "Ada"]) {
      assert.ok(!JSON.stringify(items).includes(secret), secret);
    }
    const next = book();
    assert.deepEqual(await next.read(one), one);
    assert.deepEqual(new Set(await next.all()), new Set([one, other]));

    await forget(one, one.untilMs);
    assert.equal(await next.read(one), null);
    clock.advance(60_000);
    assert.deepEqual(await next.all(), []);
  }));

Deno.test("what comes for one place is written in the order in which it came", () =>
  withShelf(async ({ clock, book }) => {
    const doubt = doubtOf("agent-1", clock.now());
    const { keep, forget, read } = book();
    await Promise.all([keep(doubt), forget(doubt, doubt.untilMs)]);
    assert.equal(await read(doubt), null);
    await Promise.all([
      keep(doubt),
      forget(doubt, doubt.untilMs),
      keep({ ...doubt, nicknames: [] }),
    ]);
    assert.deepEqual((await read(doubt))?.nicknames, []);
  }));

Deno.test("what another key has sealed is left to those who have it", () =>
  withShelf(async ({ clock, book }) => {
    const doubt = doubtOf("agent-1", clock.now());
    await book().keep(doubt);
    const another = book(new Uint8Array(32).fill(1));
    assert.equal(await another.read(doubt), null);
    assert.deepEqual(await another.all(), []);
  }));

Deno.test("a token is kept only where upstream is asked with it", () => {
  const request = { agentId: "agent-1", authorization: TOKEN, authorizationExpiresAtMs: 7 };
  assert.deepEqual(createAskerOf({ needsToken: true })(request), {
    authorization: TOKEN,
    authorizationExpiresAtMs: 7,
  });
  assert.deepEqual(createAskerOf({ needsToken: false })(request), {
    authorization: null,
    authorizationExpiresAtMs: null,
  });
});
