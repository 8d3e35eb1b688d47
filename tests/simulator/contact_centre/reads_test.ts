/** What the simulated contact centre answers to reads, and to the agent's own operations. */
import assert from "node:assert/strict";
import { believedAgent } from "../../../simulator/contact_centre/auth.ts";
import { ACCEPT, operate, request, startWatched, SUCCESS } from "./client.ts";

function unsignedToken(payload: object): string {
  const part = (value: object) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  return `${part({ alg: "EdDSA" })}.${part(payload)}.c2ln`;
}

const AUTHORIZATIONS: readonly (readonly [string, string, string | null])[] = [
  ["a bearer token's sub", `Bearer ${unsignedToken({ sub: "agent-7" })}`, "agent-7"],
  ["a Basic user with an empty password", `Basic ${btoa("ksippo:")}`, "ksippo"],
  ["nobody for a token without sub", `Bearer ${unsignedToken({})}`, null],
  ["nobody for a token that is none", "Bearer abc", null],
  ["nobody for Basic credentials that are no base64", "Basic ***", null],
  ["nobody for another scheme", "Digest username=x", null],
  ["nobody for an empty header", "", null],
];

for (const [what, authorization, expected] of AUTHORIZATIONS) {
  Deno.test(`believedAgent() is ${what}`, () => {
    assert.equal(believedAgent(authorization), expected);
  });
}

Deno.test("who calls can be decided by a function of the test's own", async () => {
  await using watched = await startWatched({ agentOf: () => "agent-42" });
  const { body } = await request(watched.centre, "GET", "/api/v2/me");
  assert.equal(body.user?.id, "agent-42");
});

Deno.test("the version is told to anybody", async () => {
  await using watched = await startWatched();
  const path = "/api/v2/diagnostics/version";
  assert.deepEqual(await request(watched.centre, "GET", path, { agent: null }), {
    status: 200,
    body: { statusCode: 0, version: "8.5.200.50" },
  });
});

Deno.test("an agent starts and ends its contact-centre session", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const me = (body: Record<string, unknown>) => request(centre, "POST", "/api/v2/me", { body });
  const end = { operationName: "EndContactCenterSession" };
  assert.equal((await me({ operationName: "StartContactCenterSession" })).body.statusCode, 1);
  assert.deepEqual(
    await me({ operationName: "StartContactCenterSession", channels: ["smssession"] }),
    SUCCESS,
  );
  const { body } = await request(centre, "GET", "/api/v2/me?subresources=*");
  assert.deepEqual(body.user?.channels, ["smssession"]);
  assert.deepEqual(body.user?.smssessions?.map((session) => session.id), [id]);
  assert.deepEqual(await me(end), SUCCESS);
  assert.equal((await me(end)).body.statusCode, 2);
});

Deno.test("sessions are listed as addresses, or whole with fields=*, while they are the agent's", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const list = async (query = "") =>
    (await request(centre, "GET", `/api/v2/me/smssessions${query}`)).body;
  const uris = [`${centre.url}/api/v2/smssessions/${id}`];
  assert.deepEqual(await list(), { statusCode: 0, uris });
  const [session] = (await list("?fields=*")).smssessions ?? [];
  assert.equal(session?.state, "Invited");
  assert.deepEqual(session?.capabilities, ["Accept", "Reject"]);
  assert.equal(session?.userData?.PhoneNumber, "12025550123");
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Complete" });
  assert.deepEqual(await list(), { statusCode: 0, uris: [] });
  const { body } = await request(centre, "GET", `/api/v2/me/smssessions/${id}`);
  assert.equal(body.smssession?.state, "Completed");
});

Deno.test("the path is also known by the misspelling of some documentation pages", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const { body } = await request(centre, "GET", `/api/v2/me/smsessions/${id}`);
  assert.equal(body.smssession?.id, id);
});

const PAGES: readonly (readonly [string, readonly number[]])[] = [
  ["", [1, 2, 3, 4]],
  ["?startIndex=0&count=0", [1, 2, 3, 4]],
  ["?startIndex=2&count=2", [2, 3]],
  ["?startIndex=4", [4]],
  ["?startIndex=9", []],
];

for (const [query, expected] of PAGES) {
  Deno.test(`messages${query} are ${expected.join(", ") || "none"}`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    for (const text of ["a", "b", "c"]) centre.customerTexts(id, text);
    const path = `/api/v2/me/smssessions/${id}/messages${query}`;
    const { body } = await request(centre, "GET", path);
    assert.deepEqual(body.messages?.map(({ index }) => index), expected);
  });
}

for (const query of ["startIndex=-1", "startIndex=a", "count=1.5"]) {
  Deno.test(`messages?${query} is refused with statusCode 10`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    const path = `/api/v2/me/smssessions/${id}/messages?${query}`;
    assert.equal((await request(centre, "GET", path)).body.statusCode, 10);
  });
}

Deno.test("timestamps have the documented form, in any offset", async () => {
  await using watched = await startWatched({
    timestamps: { separator: "t", offsetMinutes: -8 * 60 },
  });
  const { timestamp } = watched.centre.customerTexts(watched.id, "Hi");
  assert.equal(timestamp, "2026-11-22T02:00:00.000-0800");
});

Deno.test("sessions shows each session as it stands", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  const [session] = centre.sessions;
  assert.equal(session?.id, id);
  assert.equal(session?.messages.length, 2);
  assert.deepEqual(session?.agents, [
    { agentId: "agent-1", nickname: "John Doe", state: "Chatting" },
  ]);
});

Deno.test("requests keeps every request as it was sent", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  const response = await fetch(`${centre.url}/api/v2/me/smssessions/a%2Fb?x=%41`, {
    method: "POST",
    headers: { "x-request-id": "r-1" },
    body: '{ "operationName":"Accept" }',
  });
  await response.body?.cancel();
  const recorded = await centre.requests.received(1);
  assert.equal(recorded.method, "POST");
  assert.equal(recorded.path, "/api/v2/me/smssessions/a%2Fb?x=%41");
  assert.equal(recorded.headers.get("x-request-id"), "r-1");
  assert.equal(recorded.body, '{ "operationName":"Accept" }');
});
