import assert from "node:assert/strict";
import { assertNothingMissingOrDoubled, everythingTold, gather } from "./crowd.ts";
import { withFollowedCentre } from "./followed_centre.ts";

const AGENTS = 50;
const MESSAGES_EACH = 200;
const LOSSES = 20;

Deno.test("10,000 messages to 50 agents through 20 lost sessions: none missing, none doubled", () =>
  withFollowedCentre(async (followed) => {
    const { centre, subscriber } = followed;
    const follower = await subscriber();
    const crowd = await gather(followed, follower, AGENTS);
    const beats = LOSSES + 1;
    for (let beat = 0; beat < beats; beat++) {
      // Each beat adds its share, so that all beats together make the whole.
      const upTo = (n: number) => Math.floor(MESSAGES_EACH * n / beats);
      for (const agentId of crowd.agentIds) {
        for (let n = upTo(beat); n < upTo(beat + 1); n++) {
          centre.customerTexts(crowd.sessionOf(agentId), `message ${n}`);
        }
      }
      await centre.idle();
      // Now and then all have heard everything; else what is queued for a session is lost with it.
      if (beat % 5 === 4) await everythingTold(followed, crowd);
      if (beat < LOSSES) assert.equal(centre.dropCometdSessions(crowd.agentIds[beat * 2]), 1);
    }
    await everythingTold(followed, crowd);
    await assertNothingMissingOrDoubled(followed, crowd);
    const told = await Promise.all(
      crowd.agentIds.map((agentId) => followed.messages(crowd.sessionOf(agentId))),
    );
    // Beside the texts each session has the two who joined it.
    assert.equal(told.flat().length, AGENTS * (MESSAGES_EACH + 2));
    assert.equal(follower.state.counters.sessionsLost, LOSSES);
  }));

Deno.test("upstream restarts under 100 agents: all are back within 10 s, not in one burst, and nothing is missing or doubled", async () => {
  let handshakesAtMs: number[] = [];
  const onRequest = ({ path }: { readonly path: string }) => {
    if (path.endsWith("/handshake")) handshakesAtMs.push(performance.now());
  };
  await withFollowedCentre(async (followed) => {
    const { centre, subscriber, until } = followed;
    const follower = await subscriber();
    const crowd = await gather(followed, follower, 100);
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "before");
    await everythingTold(followed, crowd);

    await centre.stop();
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "during");
    await until(() => follower.state.live === 0);
    handshakesAtMs = [];
    await centre.restart();
    const restartedAtMs = performance.now();
    await until(() => follower.state.live === 100);
    const backAfterMs = performance.now() - restartedAtMs;
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "after");
    await everythingTold(followed, crowd);

    await assertNothingMissingOrDoubled(followed, crowd);
    assert.ok(backAfterMs < 10_000, `all were back after ${Math.round(backAfterMs)} ms`);
    const busiest = Math.max(
      ...handshakesAtMs.map((fromMs) =>
        handshakesAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 200).length
      ),
    );
    assert.ok(busiest <= 50, `${busiest} of 100 came within 200 ms`);
  }, { onRequest });
});
