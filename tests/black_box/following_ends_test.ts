import assert from "node:assert/strict";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import type { Environment, LogLine } from "../support/patchbay_process.ts";
import { assertAllTold, FOLLOWING_SCOPES, lastMessageTold } from "./following.ts";
import { listening } from "./centre.ts";
import { HURRIED_MAIN } from "../support/hurried_main.ts";
import { openSqliteFile } from "./stores.ts";
import { startWorld, type World } from "./world.ts";

/** Of the simulator's CometD: a held connect is answered soon, so that it meets what is planned for the next reply. */
const SHORT_TIMES = { timeoutMs: 500, maxIntervalMs: 20_000, sweepMs: 200 };
/** The first probe comes within 30 s. */
const PROBED_WITHIN_MS = 90_000;
/** The one account of mode `basic`. */
const SERVICE = "service";

/** An agent who is followed and holds a session. */
interface Followed {
  readonly agentId: string;
  readonly sessionId: string;
}

interface Scene {
  readonly world: World;
  readonly centre: ContactCentre;
  /** Pulls one of the simulator's strings over HTTP, as an integrator would. */
  control(path: string, body: object): Promise<void>;
  follow(agentId: string): Promise<Followed>;
  /** Resolves once the log has this event of the agent, at the time given, counted from 1. */
  logged(event: string, followed: Followed, times?: number): Promise<LogLine>;
  /** Resolves once the agent is live again, and what the customer says now and said meanwhile is told, once and in order. */
  heardAgain(followed: Followed): Promise<void>;
  customerTexts(followed: Followed): void;
  readiness(): Promise<unknown>;
  metric(name: string): Promise<number>;
}

async function play(act: (scene: Scene) => Promise<void>, env: Environment = {}): Promise<void> {
  await using store = await openSqliteFile();
  await using centre = await startContactCentre({ control: true, cometd: SHORT_TIMES });
  await using world = await startWorld(store, {
    SUBSCRIBE: "on",
    UPSTREAM_AUTH: "vault",
    UPSTREAM_URL: centre.url,
    ...env,
  }, HURRIED_MAIN);
  const consumer = await world.consumer();
  const isShared = env.UPSTREAM_AUTH === "basic";

  function logged(event: string, { agentId }: Followed, times = 1): Promise<LogLine> {
    return world.patchbay.log.until(
      `${event} ${times} of ${agentId}`,
      (lines) =>
        lines.filter((line) => line.event === event && (isShared || line.agentId === agentId))[
          times - 1
        ],
      { timeoutMs: PROBED_WITHIN_MS },
    );
  }

  await act({
    world,
    centre,
    logged,
    async control(path, body) {
      const answer = await fetch(`${centre.url}/control${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 200, await answer.text());
    },
    async follow(agentId) {
      const client = await world.agent(agentId, FOLLOWING_SCOPES);
      if (!isShared) {
        const credentials = { username: agentId, password: "any" };
        const put = await client.put("/v1/agents/me/credentials", credentials);
        assert.ok(put.status < 300, put.text);
      }
      const user = isShared ? SERVICE : agentId;
      const { id } = centre.addSession({ customer: { nickname: "P" }, agentId: user });
      await client.accept(id);
      await listening(centre, user);
      const followed = { agentId, sessionId: id };
      await logged("subscriber.live", followed);
      centre.customerTexts(id, "heard");
      await lastMessageTold(centre, consumer, id);
      return followed;
    },
    customerTexts: ({ sessionId }) => centre.customerTexts(sessionId, "missed"),
    async heardAgain(followed) {
      const { sessionId } = followed;
      await logged("subscriber.live", followed, 2);
      await lastMessageTold(centre, consumer, sessionId);
      centre.customerTexts(sessionId, "heard again");
      await lastMessageTold(centre, consumer, sessionId);
      assertAllTold(centre, consumer, sessionId);
    },
    async readiness() {
      const answer = await fetch(`${world.patchbay.url}/readyz`);
      assert.equal(answer.status, 200);
      return await answer.json();
    },
    async metric(name) {
      const text = await (await fetch(`${world.patchbay.url}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    },
  });
}

Deno.test("a session that the contact centre ends by itself, with or without the advice none, is begun anew, and what was missed is told", () =>
  play(async (scene) => {
    const [plain, unwelcome] = [await scene.follow("agent-1"), await scene.follow("agent-2")];
    await scene.control("/cometd/end", { agentId: plain.agentId });
    await scene.control("/cometd/end", {
      agentId: unwelcome.agentId,
      advice: { reconnect: "none" },
    });
    for (const followed of [plain, unwelcome]) scene.customerTexts(followed);
    for (const followed of [plain, unwelcome]) {
      await scene.heardAgain(followed);
      const { reason } = await scene.logged("subscriber.session_lost", followed);
      assert.equal(reason, "the server ended the session");
    }
    assert.deepEqual(await scene.readiness(), { status: "ready" });
  }));

Deno.test("402 on connect with the advice none, and 402 on subscribe four times in a row, are lost sessions and no refusals", () =>
  play(async (scene) => {
    const [connect, subscribe] = [await scene.follow("agent-1"), await scene.follow("agent-2")];
    const unknown = { successful: false, error: "402::session_unknown" };
    await scene.control("/cometd/reply", {
      channel: "/meta/connect",
      agentId: connect.agentId,
      changes: { ...unknown, advice: { reconnect: "none" } },
    });
    await scene.control("/cometd/reply", {
      channel: "/meta/subscribe",
      agentId: subscribe.agentId,
      changes: unknown,
      times: 4,
    });
    await scene.control("/cometd/drop", { agentId: subscribe.agentId });
    for (const followed of [connect, subscribe]) {
      await scene.logged("subscriber.session_lost", followed);
      scene.customerTexts(followed);
    }
    await scene.logged("subscriber.session_lost", subscribe, 5);
    for (const followed of [connect, subscribe]) await scene.heardAgain(followed);
    assert.equal(await scene.metric("patchbay_cometd_refusals_total"), 0);
  }));

Deno.test("the advice none on connect, alone or with 401, is a refusal that is probed: readiness names the agents until they are heard again", () =>
  play(async (scene) => {
    const [alone, invalid] = [await scene.follow("agent-1"), await scene.follow("agent-2")];
    assert.deepEqual(await scene.readiness(), { status: "ready" });
    for (
      const [{ agentId }, changes] of [
        [alone, {}],
        [invalid, { successful: false, error: "401::Authentication invalid" }],
      ] as const
    ) {
      await scene.control("/cometd/reply", {
        channel: "/meta/connect",
        agentId,
        changes: { ...changes, advice: { reconnect: "none" } },
      });
    }
    for (const followed of [alone, invalid]) {
      const { level } = await scene.logged("subscriber.refused", followed);
      assert.equal(level, "error");
      scene.customerTexts(followed);
    }
    const { status, following } = Object(await scene.readiness());
    assert.equal(status, "degraded");
    assert.match(String(following), /^refused: (agent-1, agent-2|agent-2, agent-1)$/);
    assert.equal(await scene.metric("patchbay_cometd_agents_refused"), 2);

    for (const followed of [alone, invalid]) await scene.heardAgain(followed);
    for (const followed of [alone, invalid]) {
      await scene.logged("subscriber.probing", followed);
      assert.ok((await scene.logged("subscriber.live", followed, 2)).after);
    }
    assert.deepEqual(await scene.readiness(), { status: "ready" });
    assert.equal(await scene.metric("patchbay_cometd_agents_refused"), 0);
  }));

Deno.test("HTTP 401 for a while, to good credentials: degraded meanwhile, and followed again by itself", () =>
  play(async (scene) => {
    const followed = await scene.follow("agent-1");
    await scene.control("/agents/deny", { agentId: followed.agentId, forMs: 600_000 });
    await scene.control("/cometd/drop", { agentId: followed.agentId });
    scene.customerTexts(followed);
    await scene.logged("subscriber.refused", followed);
    assert.deepEqual(await scene.readiness(), {
      status: "degraded",
      following: "refused: agent-1",
    });
    await scene.control("/agents/deny", { agentId: followed.agentId, forMs: 0 });
    await scene.heardAgain(followed);
    assert.deepEqual(await scene.readiness(), { status: "ready" });
  }));

Deno.test("in basic mode the refusal of the one service account leaves nobody heard: readiness says so at once", () =>
  play(async (scene) => {
    const followed = await scene.follow("agent-1");
    await scene.control("/agents/deny", { forMs: 600_000 });
    await scene.control("/cometd/drop", {});
    await scene.logged("subscriber.turned_down", followed);
    assert.deepEqual(await scene.readiness(), {
      status: "degraded",
      following: "refused: all agents",
    });
    await scene.control("/agents/deny", { forMs: 0 });
    scene.customerTexts(followed);
    await scene.heardAgain(followed);
    assert.deepEqual(await scene.readiness(), { status: "ready" });
  }, {
    UPSTREAM_AUTH: "basic",
    UPSTREAM_USERNAME: SERVICE,
    UPSTREAM_PASSWORD: "any",
    LOG_LEVEL: "debug",
  }));
