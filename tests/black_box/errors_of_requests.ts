import assert from "node:assert/strict";
import { request, type RequestOptions } from "./client.ts";
import { agentText, newMessages, statusChange } from "./notifications.ts";
import { assertProblem, type ProblemCode } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { readEvents } from "./shapes.ts";
import { assertAccepted } from "./webhook_assertions.ts";
import { NOTIFICATIONS_TOKEN } from "./world.ts";

const KIB = 1024;

/** Bodies that no operation can have, and the problem and the member that the answer has to name. */
const BAD_BODIES: readonly (readonly [string, string, ProblemCode, RegExp])[] = [
  ["JSON that is not JSON", `{"operationName":"Accept",`, "invalid-body", /JSON/],
  ["nothing", "", "invalid-body", /./],
  ["an array", "[]", "invalid-body", /object/],
  ["a body without operationName", `{"nickname":"Ada"}`, "invalid-body", /operationName/],
  ["an operationName that is no text", `{"operationName":5}`, "invalid-body", /operationName/],
  ["Accept without nickname", `{"operationName":"Accept"}`, "invalid-parameter", /nickname/],
  [
    "Accept with an empty nickname",
    `{"operationName":"Accept","nickname":""}`,
    "invalid-parameter",
    /nickname/,
  ],
  [
    "Accept with a saveLAR that is no boolean",
    `{"operationName":"Accept","nickname":"Ada","saveLAR":"perhaps"}`,
    "invalid-parameter",
    /saveLAR/,
  ],
  ["SendMessage without text", `{"operationName":"SendMessage"}`, "invalid-parameter", /text/],
  ["SendUrl without url", `{"operationName":"SendUrl"}`, "invalid-parameter", /url/],
  [
    "DeleteUserData whose keys are no array",
    `{"operationName":"DeleteUserData","keys":"a"}`,
    "invalid-parameter",
    /keys/,
  ],
  ["Invite without a target", `{"operationName":"Invite"}`, "invalid-parameter", /target/],
];

/** Requests that nothing answers, with what is wrong about them. */
const WRONG_METHODS: readonly (readonly [string, string, readonly string[]])[] = [
  ["DELETE", "/api/v2/me/smssessions/0000Na9B26E0METH", ["GET", "POST"]],
  ["PUT", "/api/v2/me", ["GET", "POST"]],
  ["POST", "/v1/sessions", ["GET"]],
  ["GET", "/v1/sessions/0000Na9B26E0METH/customer", ["PUT"]],
  ["DELETE", "/v1/webhooks", ["GET", "POST"]],
  ["POST", "/v1/events", ["GET"]],
  ["GET", "/ingress/notifications", ["POST"]],
  ["POST", "/healthz", ["GET"]],
];

/** What requests are refused for. */
export const REQUEST_ERRORS: readonly Sentence[] = [
  ...BAD_BODIES.map(([what, body, code, named]) =>
    it(`${what} is ${code}, and neither claims nor reaches anything`, async (world) => {
      const session = world.freshSession();
      const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
      const answer = await one.send(`/api/v2/me/smssessions/${session}`, { body });
      assert.match(assertProblem(answer, code), named);
      assert.equal(world.upstream.about(session).length, 0);
      assert.equal((await two.accept(session)).status, 200);
    })
  ),

  it("a body of 64 KiB passes, one of 65 KiB does not, whether it says its length or not", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    const path = `/api/v2/me/smssessions/${session}`;
    const fits = acceptOf(64 * KIB);
    assert.equal((await agent.send(path, { body: fits })).status, 200);
    assert.equal(world.upstream.about(session)[0]?.text, fits);
    const tooLong = acceptOf(65 * KIB);
    assertProblem(await agent.send(path, { body: tooLong }), "body-too-large");
    assertProblem(await agent.send(path, { body: new Blob([tooLong]).stream() }), "body-too-large");
    assert.equal(world.upstream.about(session).length, 1);
  }),

  it("a body that is not declared as JSON is refused: 415", async (world) => {
    const agent = await world.agent("agent-1");
    const session = world.freshSession();
    const plain = { body: `{"operationName":"Accept","nickname":"Ada"}`, headers: text("plain") };
    assertProblem(
      await agent.send(`/api/v2/me/smssessions/${session}`, plain),
      "unsupported-media-type",
    );
    assertProblem(
      await world.admin.send("/v1/webhooks", {
        body: `{"url":"https://a.example"}`,
        headers: text("xml"),
      }),
      "unsupported-media-type",
    );
    assert.equal(world.upstream.about(session).length, 0);
  }),

  it("what does not exist is 404, and never reaches the contact centre", async (world) => {
    const agent = await world.agent("agent-1", "sms:operate sms:supervise");
    const before = world.upstream.requests.items.length;
    for (
      const path of [
        "/api/v2/users",
        "/api/v2/me/calls",
        "/api/v2/me/smssessions/0000Na9B26E00000/participants",
        "/api/v2/diagnostics/version",
        "/api/v1/me",
        "/nothing",
        "/v1/nothing",
      ]
    ) {
      assertProblem(await agent.get(path), "not-found");
    }
    for (const resource of ["sessions", "events", "deliveries", "webhooks"]) {
      assertProblem(await world.admin.get(`/v1/${resource}/nothing`), "not-found");
    }
    assert.equal(world.upstream.requests.items.length, before);
  }),

  ...WRONG_METHODS.map(([method, path, allowed]) =>
    it(`${method} ${path} is 405 and says what is allowed`, async (world) => {
      const headers = path.startsWith("/ingress")
        ? { authorization: `Bearer ${NOTIFICATIONS_TOKEN}` }
        : {};
      const answer = await world.admin.send(path, { method, headers });
      assertProblem(answer, "method-not-allowed");
      const allow = (answer.headers.get("allow") ?? "").split(/,\s*/);
      const open = allow.filter((name) => !["HEAD", "OPTIONS"].includes(name));
      assert.deepEqual(open.toSorted(), allowed);
    })
  ),

  it("query parameters that cannot be are invalid-parameter", async (world) => {
    for (
      const path of [
        "/v1/sessions?limit=many",
        "/v1/events?cursor=%00",
        "/v1/deliveries?status=lost",
      ]
    ) {
      assertProblem(await world.admin.get(path), "invalid-parameter");
    }
  }),

  it("a customer's number has to be a number", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    const path = `/v1/sessions/${session}/customer`;
    assert.match(
      assertProblem(await agent.put(path, { phone: "call me" }), "invalid-parameter"),
      /phone/,
    );
    assert.match(assertProblem(await agent.put(path, {}), "invalid-parameter"), /phone/);
  }),

  it("another agent's session cannot be read", async (world) => {
    const session = world.freshSession();
    const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await one.accept(session);
    assertProblem(await two.get(`/v1/sessions/${session}`), "not-found");
  }),

  it("another agent's session cannot be given another customer", async (world) => {
    const session = world.freshSession();
    const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await one.accept(session);
    const answer = await two.put(`/v1/sessions/${session}/customer`, { phone: "+16501110001" });
    assertProblem(answer, answer.status === 403 ? "not-your-session" : "not-found");
  }),

  ...[
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/hook",
    "https://[::1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "https://user:password@192.0.2.1/hook",
  ].map((url) =>
    it(`a webhook at ${url} is refused: 422`, async (world) => {
      // Should it be taken all the same, nothing is sent there: no ping comes unasked.
      const webhook = { url, eventTypes: ["webhook.ping"] };
      assertProblem(await world.admin.post("/v1/webhooks", webhook), "webhook-url-refused");
    })
  ),

  it("a webhook has to have a URL and members that can be", async (world) => {
    const url = "http://127.0.0.1:9999/hook";
    for (const body of [{}, { url: 5 }, { url, ordering: "random" }, { url, eventTypes: "all" }]) {
      assertProblem(await world.admin.post("/v1/webhooks", body), "invalid-parameter");
    }
    assertProblem(await world.admin.send("/v1/webhooks", { body: "{" }), "invalid-body");
  }),

  it("the ingress takes only its own token", async (world) => {
    const post = (headers: RequestOptions["headers"] = {}) =>
      request(`${world.patchbay.url}/ingress/notifications`, {
        json: statusChange(world.freshSession(), "Chatting"),
        headers,
      });
    assertProblem(await post(), "unauthenticated");
    assertProblem(await post({ authorization: "Bearer another-token" }), "unauthenticated");
    const { token } = await world.agent("agent-1");
    assertProblem(await post({ authorization: `Bearer ${token}` }), "unauthenticated");
  }),

  it("a notification without a session id spoils its batch, and nothing of the batch is kept", async (world) => {
    const session = world.freshSession();
    const good = [statusChange(session, "Chatting"), newMessages(session, agentText(1, "Hi"))];
    const bad = { notificationType: "StatusChange", smssession: { state: "Chatting" } };
    assertProblem(await world.notify([...good, bad]), "invalid-body");
    assertProblem(await world.notify([bad, ...good]), "invalid-body");
    const events = await world.admin.get(`/v1/events?session=${session}`);
    assert.deepEqual(readEvents(events.json()).data, []);
    assertAccepted(await world.notify(good), { accepted: 2, duplicates: 0 });
  }),

  it("the ingress refuses what is no notification, and what is longer than 1 MiB", async (world) => {
    for (const body of ["", "{", "5", `"text"`, "null", "[5]"]) {
      assertProblem(await world.notify(body), "invalid-body");
    }
    const long = statusChange(world.freshSession(), "Chatting", { filler: "x".repeat(KIB * KIB) });
    assertProblem(await world.notify(long), "body-too-large");
  }),

  it("every problem type can be looked up without a token", async (world) => {
    for (const code of ["unauthenticated", "session-held", "store-unavailable"]) {
      const answer = await request(`${world.patchbay.url}/problems/${code}`);
      assert.equal(answer.status, 200);
      assert.ok(answer.text.includes(code));
    }
    assert.equal((await request(`${world.patchbay.url}/healthz`)).status, 200);
    assert.equal((await request(`${world.patchbay.url}/readyz`)).status, 200);
  }),
];

function text(subtype: string): Readonly<Record<string, string>> {
  return { "content-type": `text/${subtype}` };
}

/** An Accept of exactly this many bytes. */
function acceptOf(bytes: number): string {
  const around = (filler: string) =>
    JSON.stringify({ operationName: "Accept", nickname: "Ada", filler });
  return around("x".repeat(bytes - around("").length));
}
