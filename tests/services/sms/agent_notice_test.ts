import assert from "node:assert/strict";
import { type AgentNotices, createAgentNotices } from "../../../services/sms/agent_notice.ts";
import { explainSmsError } from "../../../services/sms/twilio/codes.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { createNoticeSender } from "../../../services/contact_centre/rest/notice.ts";
import { createUpstream } from "../../../services/contact_centre/rest/upstream.ts";
import { createMemoryLog, type MemoryLog } from "../../support/memory_log.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";
import { unreachableUrl } from "../../support/scripted_upstream.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { accept, POLICY } from "../../support/drafts.ts";

interface World {
  readonly notices: AgentNotices;
  readonly log: MemoryLog;
  readonly centre: ContactCentre;
}

async function withNotices(
  test: (world: World) => Promise<void>,
  { authMode = "basic" as "basic" | "forward", url = null as URL | null } = {},
): Promise<void> {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  await accept(store, "S1", "agent-1", { nowMs: clock.now() });
  const centre = await startContactCentre();
  centre.addSession({ id: "S1", customer: { nickname: "P" } });
  centre.agentOperates("S1", "patchbay", { operationName: "Accept", nickname: "Patchbay" });
  const auth = authMode === "basic"
    ? { mode: "basic", username: "patchbay", password: "secret" } as const
    : { mode: "forward" } as const;
  let made = 0;
  const notices = createAgentNotices({
    provider: { name: "Twilio", explain: explainSmsError },
    sendNotice: createNoticeSender({
      upstream: createUpstream({
        url: url ?? new URL(centre.url),
        auth,
        timeoutMs: 5_000,
        fetch,
        clock,
      }),
      requestId: () => `notice-${++made}`,
    }),
    store,
    authMode,
    clock,
    log,
  });
  try {
    await test({ notices, log, centre });
  } finally {
    await notices.settled();
    await centre.close();
    await store.close();
  }
}

const NOTICE = { sessionId: "S1", text: "A word" };

Deno.test("tell() sends the notice upstream as the service account, in the session", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    notices.tell(NOTICE);
    await notices.settled();
    const [seen] = centre.calls.items;
    assert.equal(seen?.method, "POST");
    assert.equal(seen?.path, "/api/v2/me/smssessions/S1");
    assert.equal(seen?.headers.get("authorization"), `Basic ${btoa("patchbay:secret")}`);
    assert.equal(seen?.headers.get("content-type"), "application/json");
    assert.equal(seen?.headers.get("x-request-id"), "notice-1");
    assert.deepEqual(JSON.parse(seen?.body ?? ""), {
      operationName: "SendCustomNoticeToAgents",
      noticeText: "A word",
    });
    assert.equal(seen?.status, 200);
    assert.equal(log.of("sms.notice_sent").length, 1);
  });
});

Deno.test("settled() waits for a notice that upstream has not answered yet", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    const held = centre.faults.next("hold");
    notices.tell(NOTICE);
    await held.reached;
    assert.equal(log.of("sms.notice_sent").length, 0);
    held.release();
    await notices.settled();
    assert.equal(log.of("sms.notice_sent").length, 1);
  });
});

Deno.test("nothing is told in mode forward, where there is no token to speak with", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    notices.tell(NOTICE);
    await notices.settled();
    assert.equal(centre.requests.items.length, 0);
    assert.deepEqual(log.of("sms.notice_skipped").map(({ level }) => level), ["debug"]);
  }, { authMode: "forward" });
});

Deno.test("nothing is told in a session that nobody holds any more", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    notices.tell({ ...NOTICE, sessionId: "gone" });
    await notices.settled();
    assert.equal(centre.requests.items.length, 0);
    assert.equal(log.of("sms.notice_skipped")[0]?.fields["reason"], "released");
  });
});

Deno.test("a refusal of upstream's is logged", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    centre.faults.next({ kind: "status", status: 200, body: { statusCode: 3 } });
    notices.tell(NOTICE);
    await notices.settled();
    assert.equal(log.of("sms.notice_refused").length, 1);
  });
});

Deno.test("an upstream that is not there is logged and hurts nobody", async () => {
  await withNotices(async ({ notices, log }) => {
    notices.tell(NOTICE);
    await notices.settled();
    assert.equal(log.of("sms.notice_failed").length, 1);
  }, { url: unreachableUrl() });
});

Deno.test("when very many texts fail at once, upstream is spared the rest", async () => {
  await withNotices(async ({ notices, log, centre }) => {
    for (let told = 0; told < 100; told++) notices.tell(NOTICE);
    await notices.settled();
    assert.equal(centre.requests.items.length, 32);
    assert.equal(log.of("sms.notice_skipped").length, 68);
    notices.tell(NOTICE);
    await notices.settled();
    assert.equal(centre.requests.items.length, 33);
  });
});

for (
  const [errorCode, expected] of [
    [30005, /^A text did not reach the customer\. .*no longer in use\. \(Twilio error 30005\)$/],
    [99999, /99999/],
    [null, /gave no reason\.$/],
  ] as const
) {
  Deno.test(`tellFailure() with ${errorCode} says ${expected}`, async () => {
    await withNotices(async ({ notices, centre }) => {
      notices.tellFailure({ sessionId: "S1", errorCode });
      await notices.settled();
      const { noticeText } = JSON.parse(centre.requests.items[0]?.body ?? "");
      assert.match(noticeText, expected);
    });
  });
}
