import assert from "node:assert/strict";
import {
  type AgentLink,
  type AgentLinks,
  createAgentLinks,
} from "../../../../services/contact_centre/rest/agent_links.ts";

const PATH = "/api/v2/me";
const NOTIFICATIONS = "/api/v2/notifications";
const url = new URL("http://centre.example:8090");

/** An answer with these cookies, and a CSRF token where one is named. */
function anAnswer(cookies: readonly string[], csrf: Record<string, string> = {}): Headers {
  const headers = new Headers(csrf);
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return headers;
}

const token = (value: string) => ({ "x-csrf-header": "X-CSRF-TOKEN", "x-csrf-token": value });

const carried = (link: AgentLink, method = "POST", path = PATH) =>
  Object.fromEntries(link.headersFor(method, path));

async function signIn(links: AgentLinks, agentId: string, authorization: string) {
  const answer = anAnswer([`JSESSIONID=${agentId}; Path=/`], token(`token-${agentId}`));
  await links.of(agentId, authorization).adopt(PATH, answer);
}

Deno.test("a fresh link carries nothing", () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  assert.deepEqual(carried(link), {});
});

Deno.test("a link carries cookies always, and the CSRF token where data is changed", async () => {
  const links = createAgentLinks({ url, mode: "forward" });
  await signIn(links, "agent-1", "Bearer a");
  const link = links.of("agent-1", "Bearer a");
  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    assert.deepEqual(carried(link, method), { cookie: "JSESSIONID=agent-1" }, method);
  }
  for (const method of ["POST", "PUT", "DELETE"]) {
    const expected = { "cookie": "JSESSIONID=agent-1", "x-csrf-token": "token-agent-1" };
    assert.deepEqual(carried(link, method), expected, method);
    assert.deepEqual(carried(link, method, NOTIFICATIONS), expected, "CometD");
  }
});

Deno.test("adopt() replaces what an answer tells anew and keeps the rest", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await link.adopt(PATH, anAnswer(["JSESSIONID=1; Path=/", "route=a; Path=/"], token("one")));
  await link.adopt(PATH, anAnswer([]));
  await link.adopt(PATH, anAnswer(["JSESSIONID=2; Path=/; HttpOnly"], token("two")));
  assert.deepEqual(carried(link), { "cookie": "JSESSIONID=2; route=a", "x-csrf-token": "two" });
});

Deno.test("adopt() leaves out the token of a session whose cookie is here no more", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await link.adopt(PATH, anAnswer(["JSESSIONID=1; Path=/"], token("one")), null);
  await link.adopt(PATH, anAnswer(["JSESSIONID=2; Path=/"], token("two")), "JSESSIONID=1");
  const expected = { "cookie": "JSESSIONID=2", "x-csrf-token": "two" };
  for (const late of ["JSESSIONID=1", null]) {
    await link.adopt(PATH, anAnswer([], token("one")), late);
    assert.deepEqual(carried(link), expected);
  }
  await link.adopt(PATH, anAnswer([], token("two anew")), "JSESSIONID=2");
  assert.equal(carried(link)["x-csrf-token"], "two anew");
});

Deno.test("of answers to requests that left together the first one's session counts, cookie and token", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await link.adopt(PATH, anAnswer(["JSESSIONID=0; Path=/"], token("zero")), null);
  for (const session of ["1", "2"]) {
    // A refusal brings a cookie and no token.
    await link.adopt(PATH, anAnswer([`JSESSIONID=${session}; Path=/`]), "JSESSIONID=0");
  }
  const read = anAnswer(["JSESSIONID=3; Path=/", "BAYEUX_BROWSER=b; Path=/"], token("three"));
  await link.adopt(PATH, read, "JSESSIONID=0");
  assert.deepEqual(carried(link), {
    "cookie": "JSESSIONID=1; BAYEUX_BROWSER=b",
    "x-csrf-token": "zero",
  });
  await link.adopt(PATH, anAnswer([], token("one")), carried(link)["cookie"]);
  assert.equal(carried(link)["x-csrf-token"], "one");
});

Deno.test("a first cookie and its token are there at once, or neither of them", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  const adopting = link.adopt(PATH, anAnswer(["JSESSIONID=1; Path=/"], token("one")), null);
  assert.deepEqual(carried(link), {});
  await adopting;
  assert.deepEqual(Object.keys(carried(link)), ["cookie", "x-csrf-token"]);
});

Deno.test("adopt() takes the name of the CSRF header from upstream", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await link.adopt(PATH, anAnswer([], { "x-csrf-header": "X-XSRF", "x-csrf-token": "t" }));
  assert.deepEqual(carried(link), { "x-xsrf": "t" });
});

for (
  const [what, csrf] of [
    ["a name without a token", { "x-csrf-header": "X-CSRF-TOKEN" }],
    ["a token without a name", { "x-csrf-token": "t" }],
    ["an empty token", { "x-csrf-header": "X-CSRF-TOKEN", "x-csrf-token": "" }],
    ["a name that is none", { "x-csrf-header": "X CSRF: token", "x-csrf-token": "t" }],
  ] as const
) {
  Deno.test(`adopt() goes on with the token it has when an answer brings ${what}`, async () => {
    const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
    await link.adopt(PATH, anAnswer([], csrf));
    assert.deepEqual(carried(link), {});
    await link.adopt(PATH, anAnswer([], token("known")));
    await link.adopt(PATH, anAnswer([], csrf));
    assert.deepEqual(carried(link), { "x-csrf-token": "known" });
  });
}

for (
  const [what, cookie, there] of [
    ["for another path", "a=1; Path=/other", false],
    ["for a folder above", "a=1; Path=/api", true],
    ["for another host", "a=1; Path=/; Domain=elsewhere.example", false],
    ["for this host", "a=1; Path=/; Domain=centre.example", true],
    ["for https while upstream is http", "a=1; Path=/; Secure", false],
    ["that has expired", "a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT", false],
    ["that lives on", "a=1; Path=/; Max-Age=3600", true],
    ["that cannot be read", "\x7f", false],
  ] as const
) {
  Deno.test(`headersFor() ${there ? "carries" : "leaves out"} a cookie ${what}`, async () => {
    const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
    await link.adopt(PATH, anAnswer([cookie]));
    assert.deepEqual(carried(link), there ? { cookie: "a=1" } : {});
  });
}

Deno.test("adopt() drops a cookie that upstream deletes", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await link.adopt(PATH, anAnswer(["JSESSIONID=1; Path=/"]));
  await link.adopt(PATH, anAnswer(["JSESSIONID=; Path=/; Max-Age=0"]));
  assert.deepEqual(carried(link), {});
});

Deno.test("in mode forward an agent keeps its link from token to token, and nobody else's", async () => {
  const links = createAgentLinks({ url, mode: "forward" });
  await signIn(links, "agent-1", "Bearer one");
  assert.deepEqual(carried(links.of("agent-1", "Bearer two"), "GET"), {
    cookie: "JSESSIONID=agent-1",
  });
  assert.deepEqual(carried(links.of("agent-2", "Bearer one")), {});
});

Deno.test("in mode basic all agents are one user upstream and share its link", async () => {
  const links = createAgentLinks({ url, mode: "basic" });
  await signIn(links, "agent-1", "Basic s");
  assert.equal(links.of("agent-2", "Basic s"), links.of("agent-1", "Basic s"));
  links.forget("agent-3");
  assert.deepEqual(carried(links.of("agent-1", "Basic s")), {});
});

Deno.test("in mode vault a link ends with the credentials, as another user's cookies must not go along", async () => {
  const links = createAgentLinks({ url, mode: "vault" });
  await signIn(links, "agent-1", "Basic old");
  assert.equal(carried(links.of("agent-1", "Basic old"), "GET").cookie, "JSESSIONID=agent-1");
  assert.deepEqual(carried(links.of("agent-1", "Basic new")), {});
  assert.deepEqual(carried(links.of("agent-1", "Basic old")), {});
  assert.deepEqual(carried(links.of("agent-2", "Basic old")), {});
});

Deno.test("forget() begins anew for that agent alone", async () => {
  const links = createAgentLinks({ url, mode: "forward" });
  await signIn(links, "agent-1", "Bearer a");
  await signIn(links, "agent-2", "Bearer a");
  links.forget("agent-1");
  assert.deepEqual(carried(links.of("agent-1", "Bearer a")), {});
  assert.equal(carried(links.of("agent-2", "Bearer a"), "GET").cookie, "JSESSIONID=agent-2");
});

Deno.test("createAgentLinks() holds no more links than told, and lets the one unused for longest go", async () => {
  const links = createAgentLinks({ url, mode: "forward", maxLinks: 2 });
  await signIn(links, "agent-1", "Bearer a");
  await signIn(links, "agent-2", "Bearer a");
  links.of("agent-1", "Bearer a");
  await signIn(links, "agent-3", "Bearer a");
  const known = ["agent-1", "agent-3", "agent-2"].map((agentId) =>
    "cookie" in carried(links.of(agentId, "Bearer a"))
  );
  assert.deepEqual(known, [true, true, false]);
});

Deno.test("two answers that are adopted at once share one jar", async () => {
  const link = createAgentLinks({ url, mode: "forward" }).of("agent-1", null);
  await Promise.all([
    link.adopt(PATH, anAnswer(["a=1; Path=/"])),
    link.adopt(PATH, anAnswer(["b=2; Path=/"])),
  ]);
  assert.equal(carried(link).cookie, "a=1; b=2");
});
