import assert from "node:assert/strict";
import { agentText, newMessages, statusChange, upstreamTime } from "./notifications.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { deliveriesOf, historyOf, textsOf } from "./texts.ts";
import { startWorld, type World } from "./world.ts";

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["SQLite", openSqliteFile, false],
  ["Redis", () => openRedis(), ignoredWithoutRedis()],
];

/** Ada holds a session with a customer. */
async function holdSession(world: World) {
  const session = world.freshSession();
  await (await world.agent("agent-1")).accept(session);
  const userData = { PhoneNumber: world.freshPhone() };
  await world.notify(statusChange(session, "Chatting", { userData }));
  return session;
}

/** So many seconds ago. */
const ago = (seconds: number) => ({ timestamp: upstreamTime(Date.now() - seconds * 1_000) });

const joined = (index: number, nickname: string, seconds: number, type = "Agent") => ({
  index,
  type: "ParticipantJoined",
  from: { type, nickname, participantId: "009052C5E743004C" },
  visibility: "All",
  ...ago(seconds),
});

for (const [where, open, ignore] of STORES) {
  Deno.test({
    name:
      `with upstream's clock behind its balancer's, what agents said first was dropped without a trace (${where})`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      for (const behind of [1, 20, 28]) {
        const session = await holdSession(world);
        const body = `First words, ${behind} s behind, ${session}`;
        await world.notify(newMessages(session, agentText(1, body, ago(behind))));
        await world.twilio.asked(body);
      }

      // The replay that follows an Accept: what comes before the agent's own joining is history, whatever the clocks say.
      const session = await holdSession(world);
      const said = (index: number, seconds: number) =>
        agentText(index, `${index} in ${session}`, ago(seconds));
      await world.notify(newMessages(
        session,
        joined(1, "P", 600, "Client"),
        joined(2, "Bob", 500),
        said(3, 400),
        said(4, 10),
        said(5, -5),
        joined(6, "Ada", 15),
        said(7, 14),
        said(8, 0),
      ));
      await world.twilio.asked(`8 in ${session}`);
      const bodies = world.twilio.texts.items.map(({ body }) => body)
        .filter((body) => body.endsWith(`in ${session}`));
      assert.deepEqual(bodies, [`7 in ${session}`, `8 in ${session}`]);
      assert.deepEqual((await textsOf(world, session)).map(({ messageIndex }) => messageIndex), [
        7,
        8,
      ]);
    },
  });

  Deno.test({
    name: `a text that is judged too old left no trace: it is dead and says why (${where})`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      const session = await holdSession(world);
      const old = `Too old ${session}`;
      await world.notify(newMessages(session, agentText(1, old, ago(45))));
      const [text] = await deliveriesOf(world, session, ({ status }) => status === "dead");
      const { attempts } = await historyOf(world, text?.id ?? "");
      assert.deepEqual(attempts.map((attempt) => attempt.class), ["older-than-mapping"]);
      // By hand it does not leave either.
      await world.admin.post(`/v1/deliveries/${text?.id}/retry`, {});
      await world.notify(newMessages(session, agentText(2, `After ${session}`)));
      await world.twilio.asked(`After ${session}`);
      await deliveriesOf(world, session, ({ status }) => status === "dead");
      assert.equal(world.twilio.count(old), 0);
    },
  });
}
