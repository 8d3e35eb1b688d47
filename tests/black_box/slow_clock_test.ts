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
    name:
      `with a slow clock a text that came behind a later one was dropped without a trace (${where})`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      const say = async (session: string, index: number, ...before: Record<string, unknown>[]) => {
        const body = `${index} in ${session}`;
        await world.notify(newMessages(session, ...before, agentText(index, body, ago(20))));
        return body;
      };
      for (const indexes of [[2, 1, 3], [9, 7, 8]]) {
        const session = await holdSession(world);
        const bodies = [];
        for (const index of indexes) bodies.push(await say(session, index));
        for (const body of bodies) await world.twilio.asked(body);
      }
      // The holder's joining may be told of by itself: what has a lower index is history also afterwards.
      const session = await holdSession(world);
      await world.notify(newMessages(session, joined(5, "Ada", 20)));
      await say(session, 4);
      await say(session, 8);
      await say(session, 7, joined(6, "Bob", 20));
      await deliveriesOf(world, session, ({ status }) => status === "delivered", 2);
      const texts = await textsOf(world, session);
      assert.deepEqual(texts.map(({ messageIndex }) => messageIndex), [7, 8]);
    },
  });

  Deno.test({
    name:
      `with a clock that is minutes off, history was sent again or new texts left no trace (${where})`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      for (
        const [behind, fate] of [[-60, "delivered"], [-300, "delivered"], [180, "dead"]] as const
      ) {
        const session = await holdSession(world);
        const said = (index: number, seconds: number) =>
          agentText(index, `${index} in ${session}`, ago(behind + seconds));
        await world.notify(newMessages(
          session,
          joined(1, "P", behind + 90, "Client"),
          joined(2, "Bob", behind + 80),
          said(3, 40),
          joined(4, "Ada", behind + 1),
          said(5, 0),
        ));
        const [text] = await deliveriesOf(world, session, ({ status }) => status === fate);
        assert.equal(text?.messageIndex, 5);
        assert.equal((await textsOf(world, session)).length, 1, `${behind} s behind`);
        assert.equal(world.twilio.count(`3 in ${session}`), 0);
      }
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
