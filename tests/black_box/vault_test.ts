import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import type { Answer, Client } from "./client.ts";
import { letIn, operationsOf, turnedAway } from "./centre.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import { assertProblem } from "./problem.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { AGENT_SCOPES, startWorld, type World } from "./world.ts";

const PASSWORDS = { ada: "correct horse: battery", bob: "staple" };
const CREDENTIALS = "/v1/agents/me/credentials";
const SCOPES = `${AGENT_SCOPES} credentials:write`;

type Telling = (world: World, centre: ContactCentre) => Promise<void>;

const VAULT: Readonly<Record<string, Telling>> = {
  async "without credentials an agent is told so, and the contact centre does not hear of it"(
    world,
    centre,
  ) {
    const agent = await world.agent("nobody", SCOPES);
    const answers = [await agent.get("/api/v2/me"), await agent.accept(world.freshSession())];
    for (const answer of answers) {
      assert.match(assertProblem(answer, "unauthenticated"), /credential/i);
    }
    assert.deepEqual(centre.requests.items, []);
  },

  async "leaving credentials needs its scope, and a body that makes sense"(world) {
    const without = await world.agent("agent-1");
    for (const answer of [await leave(without, "ada"), await forget(without)]) {
      assertProblem(answer, "insufficient-scope");
    }
    const agent = await world.agent("agent-1", SCOPES);
    const bad: readonly unknown[] = [
      {},
      { username: "ada" },
      { username: "", password: "x" },
      { username: 1, password: "x" },
      // RFC 7617 section 2: a user name with a colon cannot be sent.
      { username: "a:b", password: "x" },
    ];
    for (const body of bad) {
      const answer = await agent.put(CREDENTIALS, body);
      assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    }
    assertProblem(await agent.get("/api/v2/me"), "unauthenticated");
  },

  async "an agent goes upstream as itself, with a CSRF token and a cookie, and is shown none of it"(
    world,
    centre,
  ) {
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    const answers = [
      await agent.accept(session),
      await agent.operate(session, "SendMessage", { text: "Hi" }),
      await agent.get(`/api/v2/me/smssessions/${session}`),
    ];
    for (const { status, text, headers } of answers) {
      assert.equal(status, 200, text);
      assert.equal(headers.get("set-cookie"), null);
      assert.equal(headers.get("x-csrf-token"), null);
      assert.equal(headers.get("x-csrf-header"), null);
    }
    assert.deepEqual(operationsOf(centre, "ada"), ["Accept", "SendMessage"]);
    for (const { headers } of letIn(centre)) {
      const { ada } = PASSWORDS;
      assert.equal(headers.get("authorization"), `Basic ${btoa(`ada:${ada}`)}`);
      assert.ok(!headers.get("cookie")?.includes(agent.token));
    }
  },

  async "credentials are never read back, nor found in the log"(world) {
    const agent = await known(world, "agent-1", "ada");
    assertProblem(await agent.get(CREDENTIALS), "method-not-allowed");
    await agent.accept(world.freshSession());
    const log = JSON.stringify(world.patchbay.log.items) + world.patchbay.stderr;
    for (const secret of [PASSWORDS.ada, btoa(`ada:${PASSWORDS.ada}`)]) {
      assert.ok(!log.includes(secret));
    }
  },

  async "what a lost CSRF token refused is done once, with a new one"(world, centre) {
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    for (let round = 1; round <= 3; round++) {
      centre.dropHttpSessions();
      const answer = await agent.operate(session, "SendMessage", { text: `Round ${round}` });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(
        operationsOf(centre, "ada").filter((name) => name === "SendMessage").length,
        round,
      );
    }
  },

  async "cookies and tokens of two agents never mix, however many ask at once"(world, centre) {
    const [one, two] = [await known(world, "agent-1", "ada"), await known(world, "agent-2", "bob")];
    const [ofOne, ofTwo] = [world.freshSession(), world.freshSession()];
    await Promise.all([one.accept(ofOne), two.accept(ofTwo)]);
    for (let round = 0; round < 3; round++) {
      if (round === 2) centre.dropHttpSessions();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => [
          one.operate(ofOne, "SendMessage", { text: "of one" }),
          two.operate(ofTwo, "SendMessage", { text: "of two" }),
          one.get("/api/v2/me"),
          two.get("/api/v2/me"),
        ]).flat(),
      );
      for (const { status, text } of answers) assert.equal(status, 200, text);
    }
    const usersOf = new Map<string, Set<string | null>>();
    for (const { agentId: user, headers, path: target } of letIn(centre)) {
      for (const value of [headers.get("cookie"), headers.get("x-csrf-token")]) {
        if (value !== null) usersOf.set(value, (usersOf.get(value) ?? new Set()).add(user));
      }
      if (target.includes(ofOne)) assert.equal(user, "ada");
      if (target.includes(ofTwo)) assert.equal(user, "bob");
    }
    assert.ok(usersOf.size >= 4, "both agents have a cookie and a token");
    for (const users of usersOf.values()) assert.equal(users.size, 1);
    for (const user of ["ada", "bob"]) {
      const sent = operationsOf(centre, user).filter((name) => name === "SendMessage");
      assert.equal(sent.length, 30);
    }
  },

  async "new credentials count from the next request on, and after DELETE none do"(world, centre) {
    const agent = await known(world, "agent-1", "ada");
    const session = world.freshSession();
    await agent.accept(session);
    assertTaken(await leave(agent, "bob"));
    await agent.operate(session, "SendMessage", { text: "as bob" });
    assert.deepEqual(
      operationsOf(centre, "bob"),
      ["SendMessage"],
      "the cookie of before names ada",
    );

    assertTaken(await forget(agent));
    const requests = centre.requests.items.length;
    assertProblem(await agent.get("/api/v2/me"), "unauthenticated");
    assert.equal(centre.requests.items.length, requests);
    assertTaken(await forget(agent));
  },

  async "a wrong password is the contact centre's to tell, word by word"(world, centre) {
    const agent = await world.agent("agent-1", SCOPES);
    assertTaken(await agent.put(CREDENTIALS, { username: "ada", password: "wrong" }));
    const session = world.freshSession();
    const answer = await agent.accept(session);
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json(), { statusCode: 20, statusMessage: "Access denied" });
    assert.ok(turnedAway(centre).length <= 3, "no storm");
    assertTaken(await leave(agent, "ada"));
    assert.equal((await agent.accept(session)).status, 200);
  },

  async "credentials survive the death of Patchbay, and serve at another instance as well"(
    world,
    centre,
  ) {
    await known(world, "agent-1", "ada");
    await using second = await world.anotherPatchbay();
    const there = await second.agent("agent-1", SCOPES);
    assert.equal((await there.accept(world.freshSession())).status, 200);
    await world.patchbay.kill();
    await world.startAnew();
    const agent = await world.agent("agent-1");
    assert.equal((await agent.accept(world.freshSession())).status, 200);
    assert.deepEqual(operationsOf(centre, "ada"), ["Accept", "Accept"]);
  },
};

const FORWARD: Readonly<Record<string, Telling>> = {
  async "each agent goes with its own token, and with cookies of its own"(world, centre) {
    const [one, two] = [await world.agent("ada"), await world.agent("bob")];
    for (let round = 0; round < 3; round++) {
      for (const agent of [one, two]) {
        assert.equal((await agent.accept(world.freshSession())).status, 200);
      }
      centre.dropHttpSessions();
    }
    assert.deepEqual(
      [operationsOf(centre, "ada"), operationsOf(centre, "bob")].map(({ length }) => length),
      [3, 3],
    );
    for (const { agentId: user, headers } of letIn(centre)) {
      const { token } = user === "ada" ? one : two;
      assert.equal(headers.get("authorization"), `Bearer ${token}`);
    }
  },
};

const BASIC: Readonly<Record<string, Telling>> = {
  async "all go as the one service account, in one HTTP session, and no token of theirs gets out"(
    world,
    centre,
  ) {
    const agents = [await world.agent("agent-1"), await world.agent("agent-2")];
    for (const agent of [...agents, ...agents]) {
      assert.equal((await agent.accept(world.freshSession())).status, 200);
    }
    assert.deepEqual(operationsOf(centre, "ada"), Array(4).fill("Accept"));
    const cookies = new Set(
      letIn(centre).flatMap(({ headers }) => headers.get("cookie") ?? []),
    );
    assert.equal(cookies.size, 1);
    for (const { headers } of letIn(centre)) {
      assert.equal(headers.get("authorization"), `Basic ${btoa(`ada:${PASSWORDS.ada}`)}`);
    }
  },
};

/** What rests on the store; the rest of it is played with one of them. */
const RESTS_ON_THE_STORE = /^(credentials survive|new credentials|leaving credentials)/;

const MODES = [
  { env: { UPSTREAM_AUTH: "vault" }, sentences: VAULT },
  { env: { UPSTREAM_AUTH: "forward" }, sentences: FORWARD },
  {
    env: {
      UPSTREAM_AUTH: "basic",
      UPSTREAM_USERNAME: "ada",
      UPSTREAM_PASSWORD: PASSWORDS.ada,
    },
    sentences: BASIC,
  },
] as const;

Deno.test("who goes upstream, with SQLite in a file", (t) => tellAll(t, openSqliteFile));
redisTest("who goes upstream, with a Redis", (t) => tellAll(t, () => openRedis()));
redisTest("who goes upstream, with Upstash's REST protocol", (t) => tellAll(t, openUpstash));

async function tellAll(t: Deno.TestContext, open: () => Promise<TestStore>): Promise<void> {
  for (const { env, sentences } of MODES) {
    for (const [says, tell] of Object.entries(sentences)) {
      if (open !== openSqliteFile && !RESTS_ON_THE_STORE.test(says)) continue;
      await t.step(`${env.UPSTREAM_AUTH}: ${says}`, () => run(open, env, tell));
    }
  }
}

/** A world and a store for each sentence: what a contact centre and Patchbay remember of an agent is what matters. */
async function run(
  open: () => Promise<TestStore>,
  env: Readonly<Record<string, string>>,
  tell: Telling,
): Promise<void> {
  await using store = await open();
  await using centre = await startContactCentre({
    agents: Object.entries(PASSWORDS).map(([agentId, password]) => ({ agentId, password })),
    csrf: true,
    acceptsAny: true,
  });
  await using world = await startWorld(store, { ...env, UPSTREAM_URL: centre.url });
  await tell(world, centre);
}

/** This agent, with the credentials of this user left. */
async function known(world: World, agentId: string, user: keyof typeof PASSWORDS): Promise<Client> {
  const agent = await world.agent(agentId, SCOPES);
  const answer = await leave(agent, user);
  assertTaken(answer);
  assert.ok(!answer.text.includes(PASSWORDS[user]));
  return agent;
}

function leave(agent: Client, user: keyof typeof PASSWORDS): Promise<Answer> {
  return agent.put(CREDENTIALS, { username: user, password: PASSWORDS[user] });
}

function forget(agent: Client): Promise<Answer> {
  return agent.send(CREDENTIALS, { method: "DELETE" });
}

function assertTaken({ status, text }: Answer): void {
  assert.ok(status >= 200 && status < 300, `${status} ${text}`);
}
