import assert from "node:assert/strict";
import { UpstreamTimeout } from "../../../services/errors.ts";
import { FIRST_LOOK_MS } from "../../../services/sessions/doubts.ts";
import { CLAIM_GRACE_MS } from "../../../services/sessions/sessions.ts";
import {
  json,
  type ProxiedPath,
  SESSION,
  UPSTREAM_TIMEOUT_MS,
  withProxiedPath,
} from "../../support/proxied_path.ts";

const chatting = (nickname: string) =>
  Response.json({
    statusCode: 0,
    smssession: {
      id: SESSION,
      state: "Chatting",
      participants: [{ type: "Agent", nickname, participantId: "1" }],
    },
  });

const accept = ({ sessions, call }: ProxiedPath, agentId: string, nickname: string) =>
  sessions.accept(call(agentId, { operationName: "Accept", nickname }));

/** An Accept that upstream leaves unanswered until its time is over. */
async function acceptInVain(path: ProxiedPath): Promise<void> {
  path.say(() => "hang");
  const unanswered = accept(path, "agent-1", "Ada");
  await path.upstream.whenSeen(1);
  path.clock.advance(UPSTREAM_TIMEOUT_MS);
  await assert.rejects(unanswered, UpstreamTimeout);
}

Deno.test("the drain looks once more at what is in doubt, and writes down what that shows", async () => {
  await withProxiedPath(async (path) => {
    await acceptInVain(path);
    path.say(() => chatting("Ada"));
    await path.sessions.settled();
    assert.equal(await path.agents(), "agent-1");
    assert.deepEqual(await path.events(), [["session.accepted", { nickname: "Ada" }]]);
  });
});

Deno.test("a look that comes after another agent has the session maps nobody", async () => {
  await withProxiedPath(async (path) => {
    await acceptInVain(path);
    // A claim is over for an instance whose clock is ahead, and that instance lets agent-2 in.
    path.clock.advance(UPSTREAM_TIMEOUT_MS + CLAIM_GRACE_MS);
    path.say(() => json(0));
    await accept({ ...path, sessions: path.anotherInstance() }, "agent-2", "Bea");
    path.say(() => chatting("Ada"));
    await path.sessions.settled();
    assert.equal(await path.agents(), "agent-2");
  });
});

Deno.test("the first look comes a second after the answer was given up, and another agent's session is released", async () => {
  await withProxiedPath(async (path) => {
    await acceptInVain(path);
    path.say(() => chatting("Bea"));
    path.clock.advance(FIRST_LOOK_MS - 1);
    assert.equal(path.upstream.seen.length, 1);
    path.clock.advance(1);
    await path.upstream.whenSeen(2);
    await path.sessions.settled();
    assert.equal(await path.watched.store.claimantOf(SESSION, path.clock.now()), null);
    assert.equal(await path.agents(), null);
  });
});

Deno.test("a token that has ended is not used to look", async () => {
  await withProxiedPath(async (path) => {
    path.say(() => "hang");
    const call = path.call("agent-1", { operationName: "Accept", nickname: "Ada" });
    const authorizationExpiresAtMs = path.clock.now() + UPSTREAM_TIMEOUT_MS;
    const request = { ...call.request, authorizationExpiresAtMs };
    const unanswered = path.sessions.accept({ ...call, request });
    await path.upstream.whenSeen(1);
    path.clock.advance(UPSTREAM_TIMEOUT_MS);
    await assert.rejects(unanswered, UpstreamTimeout);
    await path.sessions.settled();
    assert.equal(path.upstream.seen.length, 1);
  });
});
