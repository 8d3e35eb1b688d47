/** What comes of answers to a poll that are no Bayeux: following goes on, and nothing is missing. */
import assert from "node:assert/strict";
import type { Fault } from "../../../simulator/kit/faults.ts";
import { NOT_JSON, onChannel } from "../../../simulator/contact_centre/fault_presets.ts";
import { withFollowedCentre } from "./followed_centre.ts";
import { following } from "./following.ts";

const status = (status: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: "status",
  status,
  headers,
});

for (
  const [what, fault, counter] of [
    ["a redirect to a login page", { kind: "redirect", location: "/login" }, "failures"],
    ["HTTP 400", status(400), "failures"],
    ["HTTP 401", status(401), "refusals"],
    ["HTTP 403", status(403), "refusals"],
    ["HTTP 404", status(404), "failures"],
    ["HTTP 408", status(408), "failures"],
    ["HTTP 429", status(429), "failures"],
    ["HTTP 500", status(500), "failures"],
    ["HTTP 503", status(503), "failures"],
    ["a page of a proxy", { kind: "html" }, "failures"],
    ["200 and no JSON", NOT_JSON, "failures"],
    ["200 and another JSON", { kind: "status", status: 200, body: { statusCode: 20 } }, "failures"],
    ["200 and no replies", { kind: "status", status: 200, body: [] }, "failures"],
    ["half an answer", "cut", "failures"],
  ] as const satisfies readonly (readonly [string, Fault, string])[]
) {
  Deno.test(`a connect that is answered with ${what} costs nothing but time`, () =>
    withFollowedCentre(async (followed) => {
      const { centre, subscriber, live, until, messages } = followed;
      const follower = await subscriber();
      const { id } = centre.addSession({ customer: { nickname: "P" }, agentId: "agent-1" });
      await followed.accepted("agent-1", id);
      follower.follow(following("agent-1"));
      await live("agent-1");
      const { reached } = centre.faults.next(fault, { matching: onChannel("/meta/connect") });
      // Ends the connect that may be held, so that the next one meets the fault.
      centre.customerTexts(id, "before");
      await reached;
      centre.customerTexts(id, "meanwhile");
      await live("agent-1", 2);
      centre.customerTexts(id, "after");
      const upstream = () => centre.sessions.find((each) => each.id === id)?.messages ?? [];
      await until(async () => (await messages(id)).length >= upstream().length);

      assert.deepEqual(
        (await messages(id)).map(({ index }) => index),
        upstream().map(({ index }) => index),
      );
      assert.equal(follower.state.counters[counter], 1);
      assert.deepEqual(follower.state.refused, []);
    }));
}

for (const code of [429, 503]) {
  Deno.test(`HTTP ${code} with Retry-After: no handshake comes before that`, () =>
    withFollowedCentre(async ({ centre, subscriber, live, until }) => {
      const follower = await subscriber({ random: () => 0 });
      follower.follow(following("agent-1"));
      await live("agent-1");
      const { reached } = centre.faults.next(status(code, { "retry-after": "1" }), {
        matching: onChannel("/meta/connect"),
      });
      await reached;
      const turnedAwayAtMs = performance.now();
      await until(() => centre.counts().handshakes === 2);
      const waitedMs = performance.now() - turnedAwayAtMs;
      assert.ok(waitedMs >= 990, `${waitedMs} ms`);
    }));
}
