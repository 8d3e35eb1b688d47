import assert from "node:assert/strict";
import { following } from "./following.ts";
import { withFollowedCentre } from "./followed_centre.ts";

const SESSION = "session-1";

Deno.test("what upstream tells by CometD stays as it was spelled, and what says two things is passed over alone", () =>
  withFollowedCentre(async ({ centre, subscriber, accepted, live, until, events }) => {
    const follower = await subscriber();
    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
    await accepted("agent-1", SESSION);
    follower.follow(following("agent-1"));
    await live("agent-1");

    const told = (userData: string) =>
      `{"10":1,"9":2,"notificationType":"Odd","smssession":{"id":"${SESSION}","userData":${userData}}}`;
    const framed = [told('{"2":"\\u00e9","1":1.0}'), told('{"a":1,"\\u0061":2}'), told("{}")]
      .map((data) => ` { "channel" : "/v2/me/smssessions" , "data" : ${data} }`);
    centre.faults.next(
      { kind: "status", status: 200, contentType: "application/json", body: `[${framed}]` },
      { matching: ({ body }) => body.includes("/meta/connect") },
    );
    const odd = async () =>
      (await events(SESSION)).filter(({ type }) => type === "session.notification");
    await until(async () => (await odd()).length === 2);

    assert.deepEqual(
      (await odd()).map(({ dataJson }) => dataJson),
      [told('{"2":"\\u00e9","1":1.0}'), told("{}")].map((text) => `{"notification":${text}}`),
    );
    assert.equal(follower.state.counters.malformed, 1);
    // The connection lives on.
    centre.customerTexts(SESSION, "hello");
    await until(async () =>
      (await events(SESSION)).at(-1)?.dataJson.includes('"text":"hello"') === true
    );
  }));
