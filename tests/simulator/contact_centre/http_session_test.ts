/** The simulated contact centre's HTTP sessions: JSESSIONID and CSRF tokens. */
import assert from "node:assert/strict";
import {
  type ContactCentreOptions,
  startContactCentre,
} from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { ACCEPT } from "./client.ts";

const BASIC = `Basic ${btoa("agent-1:")}`;
const ME = "/api/v2/me";

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** `JSESSIONID=…` where the answer sets it. */
  readonly cookie: string | undefined;
}

async function send(
  { url }: ContactCentre,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const cookie = response.headers.getSetCookie()
    .find((line) => line.startsWith("JSESSIONID="))?.split(";", 1)[0];
  return {
    status: response.status,
    text: await response.text(),
    headers: response.headers,
    cookie,
  };
}

Deno.test("the first answer sets JSESSIONID; from then on it stands in for the credentials", async () => {
  await using centre = await startContactCentre();
  const first = await send(centre, "GET", ME, { authorization: BASIC });
  assert.match(first.cookie ?? "", /^JSESSIONID=[0-9a-f]{25}$/);
  const second = await send(centre, "GET", ME, { cookie: `a=b; ${first.cookie}` });
  assert.equal(JSON.parse(second.text).user.id, "agent-1");
  assert.equal(second.cookie, undefined);
});

Deno.test("an unknown JSESSIONID is worth nothing", async () => {
  await using centre = await startContactCentre();
  assert.equal((await send(centre, "GET", ME, { cookie: "JSESSIONID=abc" })).status, 401);
});

Deno.test("credentials of another agent open a session of its own", async () => {
  await using centre = await startContactCentre();
  const { cookie = "" } = await send(centre, "GET", ME, { authorization: BASIC });
  const other = await send(centre, "GET", ME, {
    cookie,
    authorization: `Basic ${btoa("agent-2:")}`,
  });
  assert.equal(JSON.parse(other.text).user.id, "agent-2");
  assert.ok(other.cookie !== undefined && other.cookie !== cookie);
});

Deno.test("bad credentials are refused in spite of a good cookie", async () => {
  await using centre = await startContactCentre({ agents: [{ agentId: "agent-1" }] });
  const { cookie = "" } = await send(centre, "GET", ME, { authorization: BASIC });
  const refused = await send(centre, "GET", ME, {
    cookie,
    authorization: `Basic ${btoa("agent-1:wrong")}`,
  });
  assert.equal(refused.status, 401);
});

Deno.test("a session that nobody uses for so long is over", async () => {
  const clock = createVirtualClock();
  await using centre = await startContactCentre({ clock, httpSessionIdleMs: 1_000 });
  const { cookie = "" } = await send(centre, "GET", ME, { authorization: BASIC });
  clock.advance(1_000);
  assert.equal((await send(centre, "GET", ME, { cookie })).status, 200);
  clock.advance(1_001);
  assert.equal((await send(centre, "GET", ME, { cookie })).status, 401);
});

Deno.test("dropped sessions are those of the agent, or all", async () => {
  await using centre = await startContactCentre();
  const cookies: string[] = [];
  for (const agent of ["agent-1", "agent-2", "agent-3"]) {
    const authorization = `Basic ${btoa(`${agent}:`)}`;
    cookies.push((await send(centre, "GET", ME, { authorization })).cookie ?? "");
  }
  const statuses = () =>
    Promise.all(
      cookies.map(async (cookie) => (await send(centre, "GET", ME, { cookie })).status),
    );
  assert.equal(centre.dropHttpSessions("agent-2"), 1);
  assert.deepEqual(await statuses(), [200, 401, 200]);
  assert.equal(centre.dropHttpSessions(), 2);
  assert.deepEqual(await statuses(), [401, 401, 401]);
});

Deno.test("a restart forgets every session", async () => {
  await using centre = await startContactCentre();
  const { cookie = "" } = await send(centre, "GET", ME, { authorization: BASIC });
  await centre.restart();
  assert.equal((await send(centre, "GET", ME, { cookie })).status, 401);
});

/** A contact centre with CSRF on, a waiting session, and an HTTP session with its token. */
async function startProtected(csrf: ContactCentreOptions["csrf"] = true) {
  const centre = await startContactCentre({ csrf });
  const { id } = centre.addSession({ customer: { nickname: "PersonP" } });
  const { headers, cookie = "" } = await send(centre, "GET", ME, { authorization: BASIC });
  return {
    centre,
    cookie,
    token: headers.get("x-csrf-token") ?? "",
    tokenHeader: headers.get("x-csrf-header"),
    accept: (headers: Record<string, string>) =>
      send(centre, "POST", `/api/v2/me/smssessions/${id}`, {
        authorization: BASIC,
        ...headers,
      }, ACCEPT),
    [Symbol.asyncDispose]: () => centre.close(),
  };
}

Deno.test("with CSRF on, a GET tells the token, and a write with it and the cookie works", async () => {
  await using world = await startProtected();
  const { cookie, token } = world;
  assert.equal(world.tokenHeader, "X-CSRF-TOKEN");
  assert.match(token, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const accepted = await world.accept({ cookie, "x-csrf-token": token });
  assert.equal(accepted.text, '{"statusCode":0}');
  assert.equal(accepted.headers.get("x-csrf-token"), token);
});

const FORGERIES: readonly (readonly [
  string,
  (own: { cookie: string; token: string }) => Record<string, string>,
])[] = [
  ["without the token", ({ cookie }) => ({ cookie })],
  ["with another token", ({ cookie }) => ({ cookie, "x-csrf-token": "x" })],
  ["with the token but no cookie", ({ token }) => ({ "x-csrf-token": token })],
];

for (const [what, headersOf] of FORGERIES) {
  Deno.test(`with CSRF on, a write ${what} is 403 and changes nothing`, async () => {
    await using world = await startProtected();
    const refused = await world.accept(headersOf(world));
    assert.equal(refused.status, 403);
    assert.equal(refused.text, "Missing or invalid Csrf token");
    assert.equal(refused.headers.get("x-csrf-token"), null);
    assert.deepEqual(world.centre.sessions[0]?.agents, []);
  });
}

Deno.test("the refusal can have the usual envelope", async () => {
  await using world = await startProtected({ refusalBody: "json" });
  assert.deepEqual(JSON.parse((await world.accept({})).text), {
    statusCode: 3,
    statusMessage: "Missing or invalid Csrf token",
  });
});

Deno.test("a dropped HTTP session takes its token along; a GET tells the new one", async () => {
  await using world = await startProtected();
  const { centre, cookie, token } = world;
  centre.dropHttpSessions("agent-1");
  assert.equal((await world.accept({ cookie, "x-csrf-token": token })).status, 403);
  const fresh = await send(centre, "GET", ME, { authorization: BASIC, cookie });
  const newToken = fresh.headers.get("x-csrf-token") ?? "";
  assert.notEqual(newToken, token);
  const accepted = await world.accept({ cookie: fresh.cookie ?? "", "x-csrf-token": newToken });
  assert.equal(accepted.status, 200);
});

Deno.test("CometD's requests need the token too", async () => {
  await using world = await startProtected();
  const { centre, cookie, token } = world;
  const handshake = (headers: Record<string, string>) =>
    send(centre, "POST", `${centre.cometd.path}/handshake`, { authorization: BASIC, ...headers }, {
      channel: "/meta/handshake",
      version: "1.0",
      supportedConnectionTypes: ["long-polling"],
    });
  assert.equal((await handshake({ cookie })).status, 403);
  assert.equal((await handshake({ cookie, "x-csrf-token": token })).status, 200);
});

Deno.test("without CSRF nothing is told of tokens", async () => {
  await using centre = await startContactCentre();
  const { headers } = await send(centre, "GET", ME, { authorization: BASIC });
  assert.equal(headers.get("x-csrf-header"), null);
});

const PASSWORDS: readonly (readonly [string, string, number])[] = [
  ["the right password", "agent-1:s3cret", 200],
  ["a wrong password", "agent-1:guess", 401],
  ["no password", "agent-1:", 401],
  ["a password with a colon", "agent-2:a:b", 200],
  ["a user who is not known", "agent-9:s3cret", 401],
];

for (const [what, credentials, status] of PASSWORDS) {
  Deno.test(`${what} is ${status}`, async () => {
    await using centre = await startContactCentre({
      agents: [{ agentId: "agent-1", password: "s3cret" }],
    });
    centre.addAgent({ agentId: "agent-2", password: "a:b" });
    const answer = await send(centre, "GET", ME, { authorization: `Basic ${btoa(credentials)}` });
    assert.equal(answer.status, status);
  });
}

Deno.test("without a list of agents anybody is let in, but an added agent needs its password", async () => {
  await using centre = await startContactCentre();
  centre.addAgent({ agentId: "agent-1", password: "s3cret" });
  assert.equal((await send(centre, "GET", ME, { authorization: BASIC })).status, 401);
  const authorization = `Basic ${btoa("agent-2:")}`;
  assert.equal((await send(centre, "GET", ME, { authorization })).status, 200);
});

Deno.test("what an agent asks for is counted, by whom the credentials name", async () => {
  await using centre = await startContactCentre({ agents: [{ agentId: "agent-1" }] });
  await send(centre, "GET", ME, { authorization: BASIC });
  await send(centre, "GET", ME, { authorization: `Basic ${btoa("agent-1:wrong")}` });
  await send(centre, "GET", ME, {});
  const none = { handshakes: 0, connects: 0, subscribes: 0, disconnects: 0 };
  assert.deepEqual(centre.counts("agent-1"), { restCalls: 2, refused: 1, ...none });
  assert.deepEqual(centre.counts(), { restCalls: 3, refused: 2, ...none });
  assert.deepEqual(centre.counts("agent-2"), { restCalls: 0, refused: 0, ...none });
});
