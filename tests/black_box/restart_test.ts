import assert from "node:assert/strict";
import { inBatches } from "../../services/support/in_batches.ts";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { followInHurry, takeOver } from "./following.ts";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { HURRIED_MAIN, HURRY } from "../support/hurried_main.ts";
import type { Environment, Program } from "../support/patchbay_process.ts";
import { assertProblem } from "./problem.ts";
import { readDelivery, readSession } from "./shapes.ts";
import { neverAnswers } from "../support/never_answers.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { assertAccepted, assertInOrder, assertSigned, told } from "./webhook_assertions.ts";
import { type RegisteredConsumer, startWorld, type World } from "./world.ts";

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["with SQLite in a file", openSqliteFile, false],
  ["with a Redis", () => openRedis(), ignoredWithoutRedis()],
];

const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

interface Scenario {
  readonly says: string;
  readonly env?: Environment;
  /** Default: as it is started by its operators. */
  readonly program?: Program;
  readonly run: (world: World) => Promise<void>;
}

const WEBHOOK_TIMEOUT_MS = 1_000;
/**
 * For what was under way when Patchbay was killed, and is taken up again once its lease has run out: WEBHOOK_TIMEOUT_MS and
 * 15 s later, by a clock in a hurry.
 */
const UNTIL_THE_LEASE_ENDS = {
  program: HURRIED_MAIN,
  env: { WEBHOOK_TIMEOUT_MS: String(WEBHOOK_TIMEOUT_MS * HURRY) },
} as const;

const PHONE = { userData: { PhoneNumber: "16501110001" } };
/** None of them ends a session. */
const STATES = ["Chatting", "LeftChat", "Chatting"];

const SCENARIOS: readonly Scenario[] = [
  {
    says: "killed while consumers do not answer, it brings them everything that it had taken",
    ...UNTIL_THE_LEASE_ENDS,
    async run(world) {
      const session = world.freshSession();
      const [hanging, failing] = await Promise.all([world.consumer(), world.consumer()]);
      hanging.answer(() => ({ kind: "hang" }));
      failing.answer(() => new Response(null, { status: 503 }));
      await (await world.agent("agent-1")).accept(session);
      for (const state of STATES) await world.notify(statusChange(session, state));
      await hanging.received(session, "session.accepted");
      await failing.received(session, "session.accepted");
      await world.patchbay.kill();
      for (const consumer of [hanging, failing]) consumer.answer(() => new Response());
      await world.startAnew();

      const last = "session.status_changed";
      await failing.received(session, last, 4);
      await hanging.received(session, last, 4);
      for (const consumer of [hanging, failing]) {
        assertInOrder(consumer, session, 4);
        await assertSigned(consumer);
      }
    },
  },
  {
    says: "killed while Twilio does not answer, it never sends that text again, and goes on",
    ...UNTIL_THE_LEASE_ENDS,
    async run(world) {
      const session = world.freshSession();
      const body = `Once ${session}`;
      world.twilio.answer(body, neverAnswers);
      await (await world.agent("agent-1")).accept(session);
      await world.notify(statusChange(session, "Chatting", PHONE));
      await world.notify(newMessages(session, agentText(1, body)));
      await world.twilio.asked(body);
      await world.patchbay.kill();
      await world.startAnew();

      await world.notify(newMessages(session, agentText(2, `After ${session}`)));
      await world.twilio.asked(`After ${session}`);
      assert.equal(world.twilio.count(body), 1);
      assert.equal(world.twilio.count(`After ${session}`), 1);
    },
  },
  {
    says: "killed between Accept and its notifications, it still knows who holds the session",
    async run(world) {
      const session = world.freshSession();
      const consumer = await world.consumer();
      const agent = await world.agent("agent-1");
      await agent.accept(session);
      const before = readSession((await agent.get(`/v1/sessions/${session}`)).json());
      await untilDelivered(world, consumer, session, "session.accepted");
      await world.patchbay.kill();
      await world.startAnew();

      assert.deepEqual(readSession((await agent.get(`/v1/sessions/${session}`)).json()), before);
      assertProblem(await (await world.agent("agent-2")).accept(session), "session-held");
      for (const state of STATES) {
        assertAccepted(await world.notify(statusChange(session, state)), {
          accepted: 1,
          duplicates: 0,
        });
      }
      await consumer.received(session, "session.status_changed", 4);
      assertInOrder(consumer, session, 4);
      assert.ok(told(consumer, session).every(({ data }) => data.agentId === "agent-1"));
      await assertSigned(consumer);
    },
  },
  {
    says: "SIGTERM during a slow call: the client gets its answer, and the exit status is 0",
    env: { DRAIN_MS: "4500" },
    async run(world) {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      const release = Promise.withResolvers<void>();
      world.upstream.answer(session, async () => {
        await release.promise;
        return statusZero();
      });
      const accepting = agent.accept(session);
      await world.upstream.asked(session);
      const startedMs = performance.now();
      world.patchbay.terminate();
      await world.patchbay.logged("patchbay.draining");
      release.resolve();
      const answer = await accepting;
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), { statusCode: 0 });
      assert.equal(await world.patchbay.exited, 0);
      assert.ok(performance.now() - startedMs < 4_500);

      await world.startAnew();
      const mapped = await agent.get(`/v1/sessions/${session}`);
      assert.equal(readSession(mapped.json()).agentId, "agent-1");
    },
  },
  {
    says: "SIGTERM while the contact centre does not answer at all: it ends within DRAIN_MS",
    env: { DRAIN_MS: "1500" },
    async run(world) {
      const session = world.freshSession();
      world.upstream.answer(session, neverAnswers);
      // Cut off or answered with an error, whichever comes first.
      const accepting = (await world.agent("agent-1")).accept(session).catch(() => null);
      await world.upstream.asked(session);
      const startedMs = performance.now();
      world.patchbay.terminate();
      await world.patchbay.exited;
      const tookMs = Math.round(performance.now() - startedMs);
      // Far from UPSTREAM_TIMEOUT_MS, 10 s, and wide enough for a busy machine.
      assert.ok(tookMs < 5_000, `ended after ${tookMs} ms`);
      const answer = await accepting;
      assert.ok(answer === null || answer.status >= 500, answer?.text);
    },
  },
  {
    says: "SIGTERM while a consumer does not answer: the next start need not wait for a lease",
    env: { DRAIN_MS: "500", WEBHOOK_TIMEOUT_MS: "15000" },
    async run(world) {
      const session = world.freshSession();
      const consumer = await world.consumer();
      consumer.answer(() => ({ kind: "hang" }));
      await world.notify(STATES.map((state) => statusChange(session, state)));
      await consumer.received(session, "session.status_changed", 1);
      await world.patchbay.stop();
      consumer.answer(() => new Response());
      await world.startAnew();
      await consumer.received(session, "session.status_changed", 3);
      assertInOrder(consumer, session, 3);
    },
  },
];

/** So many processes at once have a machine of two cores to themselves. */
const AT_ONCE = 4;

// Side by side, as some wait for a lease to run out; that nothing is left open is checked by the test around them.
Deno.test("what Patchbay has answered survives its end", async (t) => {
  const takingOver = STORES.map(([where, open, ignore]) => ({
    name: `killed while it follows an agent, it is followed by another instance, ${where}`,
    ignore,
    fn: () => followInHurry(open, takeOver),
  }));
  const scenarios = SCENARIOS.flatMap(({ says, env, program, run }) =>
    STORES.map(([where, open, ignore]) => ({
      name: `${says}, ${where}`,
      ignore,
      async fn() {
        await using store = await open();
        await using world = await startWorld(store, {
          WEBHOOK_TIMEOUT_MS: String(WEBHOOK_TIMEOUT_MS),
          WEBHOOK_RETRY_S: "1,1,1,1,1,1,1,1",
          ...env,
        }, program);
        await run(world);
      },
    }))
  );
  await inBatches([...takingOver, ...scenarios], AT_ONCE, async (step) => {
    await t.step({ ...step, ...UNSANITIZED });
  });
});

/** Resolves once the delivery of this event to this consumer is written down as delivered. */
async function untilDelivered(
  world: World,
  consumer: RegisteredConsumer,
  session: string,
  type: string,
): Promise<void> {
  const { webhookId } = await consumer.received(session, type);
  const deliveryId = [webhookId, consumer.id].map((id) => id.replace(/^[a-z]+_/, "")).join("_");
  const path = `/v1/deliveries/dlv_${deliveryId}`;
  for (let asked = 0; asked < 1_000; asked++) {
    const answer = await world.admin.get(path);
    assert.equal(answer.status, 200, answer.text);
    const delivery = readDelivery(answer.json());
    if (delivery.status === "delivered") return;
  }
  assert.fail(`${path} does not become delivered`);
}
