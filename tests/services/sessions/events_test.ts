import assert from "node:assert/strict";
import {
  type OwnEventPublisher,
  sessionReleased,
  writeWithEvent,
} from "../../../services/sessions/events.ts";
import type { EventDraft } from "../../../services/store/port/events.ts";

const DRAFT: EventDraft = {
  id: "evt_1",
  type: "session.released",
  sessionId: "s",
  occurredAtMs: 0,
  data: { kind: "object", json: "{}" },
  webhooks: [],
  smsMessages: [],
};

function recordingPublisher() {
  let version = 1;
  const published: number[] = [];
  const publisher: OwnEventPublisher = {
    draft: () => Promise.resolve({ draft: DRAFT, webhooksVersion: version }),
    refresh: () => {
      version++;
      return Promise.resolve();
    },
    published: (count) => void published.push(count),
  };
  return { publisher, published };
}

const publishedEvent = { id: "evt_1", accepted: true, sequence: 1, deliveries: 3 };
const STALE = { outcome: "stale-webhooks" } as const;

Deno.test("writeWithEvent() writes with the version that the draft was made for, and tells the deliveries", async () => {
  const { publisher, published } = recordingPublisher();
  const versions: number[] = [];
  const result = await writeWithEvent(publisher, sessionReleased("s", "Leave"), (_, version) => {
    versions.push(version);
    return Promise.resolve({ outcome: "applied" as const, published: publishedEvent });
  });
  assert.equal(result.outcome, "applied");
  assert.deepEqual(versions, [1]);
  assert.deepEqual(published, [3]);
});

Deno.test("writeWithEvent() announces nothing where nothing was published", async () => {
  const { publisher, published } = recordingPublisher();
  for (const write of [{ outcome: "applied", published: null }, { outcome: "nothing" }]) {
    await writeWithEvent(publisher, sessionReleased("s", "Leave"), () => Promise.resolve(write));
  }
  assert.deepEqual(published, []);
});

Deno.test("writeWithEvent() drafts again against the new list when the webhooks have changed", async () => {
  const { publisher, published } = recordingPublisher();
  const versions: number[] = [];
  await writeWithEvent(publisher, sessionReleased("s", "Leave"), (_, version) => {
    versions.push(version);
    if (version < 5) return Promise.resolve(STALE);
    return Promise.resolve({ outcome: "applied" as const, published: publishedEvent });
  });
  assert.deepEqual(versions, [1, 2, 3, 4, 5]);
  assert.deepEqual(published, [3]);
});

Deno.test("writeWithEvent() throws when the webhooks change under every one of five tries", async () => {
  const { publisher } = recordingPublisher();
  let tries = 0;
  const write = () => {
    tries++;
    return Promise.resolve(STALE);
  };
  await assert.rejects(writeWithEvent(publisher, sessionReleased("s", "Leave"), write), {
    message: "Cannot publish session.released: the list of webhooks changed 5 times under it",
  });
  assert.equal(tries, 5);
});
