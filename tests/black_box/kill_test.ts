import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { statusChange } from "./notifications.ts";
import { openSqliteFile } from "./stores.ts";
import { startWorld, type World } from "./world.ts";

const KILLS = 10;
const AT_ONCE = 8;
/** Notifications in one request, which are taken all or none. */
const BATCH = 20;

/** What of the events of a session stands in the database, in the order of their sequence. */
interface StoredEvent {
  readonly session: string;
  readonly sequence: number;
  readonly data: string;
  readonly deliveries: number;
}

Deno.test("killed again and again while it takes notifications, it keeps all that it answered 202, and a whole database", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  await world.consumer();
  const acknowledged = new Map<string, string[]>();
  for (let kill = 1; kill <= KILLS; kill++) {
    if (kill > 1) await world.startAnew();
    await ingestUntilKilled(world, acknowledged, kill * 3);
    const events = await readAsFound(store.path);
    const bySession = Map.groupBy(events, ({ session }) => session);
    for (const [session, states] of acknowledged) {
      const stored = bySession.get(session) ?? [];
      assert.deepEqual(
        stored.map(({ sequence }) => sequence),
        Array.from(stored, (_, at) => at + 1),
        session,
      );
      assert.equal(stored.length % BATCH, 0, `${session}: a part of a request was taken`);
      const missing = states.filter((state) => !stored.some(({ data }) => data.includes(state)));
      assert.deepEqual(missing, [], `${session} after kill ${kill}`);
    }
    assert(events.every(({ deliveries }) => deliveries === 1), "an event lacks its delivery");
  }
  assert([...acknowledged.values()].flat().length > KILLS * BATCH);
});

/** Hands in notifications of several sessions at once, and kills in the middle, once so many were taken. */
async function ingestUntilKilled(
  world: World,
  acknowledged: Map<string, string[]>,
  after: number,
): Promise<void> {
  let taken = 0;
  let killing: Promise<void> | null = null;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    const session = world.freshSession();
    const states: string[] = [];
    acknowledged.set(session, states);
    for (let n = 1; killing === null; n++) {
      const batch = Array.from({ length: BATCH }, (_, at) => `State-${n}-${at}-of-it`);
      const changes = batch.map((state) => statusChange(session, state));
      // Cut off with the process: it may have been taken or not.
      const answer = await world.notify(changes).catch(() => null);
      if (answer === null) break;
      assert.equal(answer.status, 202, answer.text);
      states.push(...batch);
      if (++taken >= after) killing ??= world.patchbay.kill();
    }
  }));
  await killing;
}

/** The events of the database as the dead process left it: looked at in a copy, so that the next one has to mend it itself. */
async function readAsFound(path: string): Promise<StoredEvent[]> {
  const folder = await Deno.makeTempDir();
  try {
    const copy = `${folder}/patchbay.db`;
    for (const suffix of ["", "-wal"]) await Deno.copyFile(path + suffix, copy + suffix);
    return readEvents(copy);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function readEvents(path: string): StoredEvent[] {
  const db = new DatabaseSync(path);
  try {
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    return db.prepare(
      `SELECT session_id, sequence, data_json,
         (SELECT COUNT(*) FROM deliveries d WHERE d.event_id = e.id) AS deliveries
       FROM events e ORDER BY session_id, sequence`,
    ).all().map((row) => ({
      session: String(row["session_id"]),
      sequence: Number(row["sequence"]),
      data: String(row["data_json"]),
      deliveries: Number(row["deliveries"]),
    }));
  } finally {
    db.close();
  }
}
