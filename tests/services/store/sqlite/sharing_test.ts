import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { DeliveryStep, JournalEntry, Sharing } from "./sharing_process.ts";

const PROGRAM = new URL("sharing_process.ts", import.meta.url).pathname;
const NAMES = ["first", "second", "third"];
const SESSIONS = Array.from({ length: 8 }, (_, n) => `S${n}`);
const EVENTS_PER_SESSION = 30;
/** By everybody, and the one event with which a session was accepted. */
const SEQUENCES = NAMES.length * EVENTS_PER_SESSION + 1;

Deno.test("three processes on one SQLite file lose nothing, take nothing twice, and keep each lane's order", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/patchbay.db`;
    const journal = `${folder}/journal`;
    const outputs = await Promise.all(NAMES.map((name) => {
      const work: Sharing = {
        path,
        journal,
        name,
        sessions: SESSIONS,
        eventsPerSession: EVENTS_PER_SESSION,
      };
      const args = ["run", "-A", "--quiet", PROGRAM, JSON.stringify(work)];
      return new Deno.Command(Deno.execPath(), { args }).output();
    }));
    // A store that was refused as unavailable would have ended one of them with status 1.
    for (const { success, stderr } of outputs) assert(success, new TextDecoder().decode(stderr));

    const entries: JournalEntry[] = (await Deno.readTextFile(journal)).trim().split("\n")
      .map((line) => JSON.parse(line));
    assertAcceptedOnce(entries);
    assertPublishedWithoutGaps(entries);
    assertDeliveredOnceAndInOrder(entries);
    assertWhole(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function assertAcceptedOnce(entries: readonly JournalEntry[]): void {
  const accepted = entries.flatMap((entry) => entry.step === "accepted" ? [entry.sessionId] : []);
  assert.deepEqual(accepted.toSorted(), SESSIONS);
}

function assertPublishedWithoutGaps(entries: readonly JournalEntry[]): void {
  const published = entries.filter((entry) => entry.step === "published");
  const bySession = Map.groupBy(published, ({ sessionId }) => sessionId);
  for (const sessionId of SESSIONS) {
    const sequences = bySession.get(sessionId)?.map(({ sequence }) => sequence ?? 0) ?? [];
    assert.equal(new Set(sequences).size, sequences.length, `${sessionId}: a sequence came twice`);
    assert.equal(sequences.length, SEQUENCES - 1, sessionId);
    assert.equal(Math.max(...sequences), SEQUENCES, sessionId);
  }
}

function assertDeliveredOnceAndInOrder(entries: readonly JournalEntry[]): void {
  const steps = entries.filter((entry): entry is DeliveryStep =>
    entry.step === "claimed" || entry.step === "settling"
  );
  const lanes = Map.groupBy(steps, ({ sinkId, sessionId }) => `${sinkId} ${sessionId}`);
  assert.equal(lanes.size, SESSIONS.length * 2);
  for (const [lane, ofLane] of lanes) {
    // Accepting a session was for no webhook, and somebody may have published before that.
    const told = ofLane.map(({ step, sequence, attempt }) => `${step} ${sequence} at ${attempt}`);
    const sequences = [...new Set(ofLane.map(({ sequence }) => sequence ?? 0))];
    assert.equal(sequences.length, SEQUENCES - 1, lane);
    assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b), lane);
    const expected = sequences.flatMap((
      sequence,
    ) => [`claimed ${sequence} at 1`, `settling ${sequence} at 1`]);
    assert.deepEqual(told, expected, lane);
  }
  for (const name of NAMES) {
    assert(steps.some(({ by }) => by === name), `${name} had nothing to do`);
  }
}

function assertWhole(path: string): void {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    const statuses = db.prepare("SELECT DISTINCT status FROM deliveries").all();
    assert.deepEqual(statuses.map(({ status }) => status), ["delivered"]);
    assert.deepEqual(db.prepare("SELECT * FROM lanes").all(), []);
  } finally {
    db.close();
  }
}
