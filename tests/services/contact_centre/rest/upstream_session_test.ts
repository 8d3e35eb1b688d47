import assert from "node:assert/strict";
import {
  StoreUnavailable,
  UpstreamTimeout,
  UpstreamUnavailable,
} from "../../../../services/errors.ts";
import {
  NoUpstreamCredentials,
  type UpstreamCredentials,
} from "../../../../services/contact_centre/rest/credentials.ts";
import {
  createUpstream,
  surelyNotSent,
  type UpstreamOptions,
} from "../../../../services/contact_centre/rest/upstream.ts";
import { aborted, type SeenRequest, startUpstream } from "../../../support/scripted_upstream.ts";
import { aRequest } from "../../../support/upstream_request.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

// The agent's HTTP session upstream: cookies, CSRF token, credentials.

const REFUSAL = "Missing or invalid Csrf token";

/** Upstream with CSRF protection: tokens come with every GET, and a POST without the present one is refused. */
function protectedUpstream() {
  let session = 1;
  const rows: string[] = [];
  return {
    rows,
    /** What a restart does: the HTTP session is gone, and its token with it. */
    loseSession: () => void session++,
    answer({ method, headers }: SeenRequest): Response {
      const presented = `${headers.get("cookie")} ${headers.get("x-csrf-token")}`;
      rows.push(`${method} ${presented}`);
      const told = {
        "set-cookie": `JSESSIONID=s${session}; Path=/; HttpOnly`,
        "x-csrf-header": "X-CSRF-TOKEN",
        "x-csrf-token": `t${session}`,
      };
      if (method === "GET") return Response.json({ statusCode: 0 }, { headers: told });
      return presented === `JSESSIONID=s${session} t${session}`
        ? Response.json({ statusCode: 0 }, { headers: told })
        : new Response(REFUSAL, { status: 403 });
    },
  };
}

async function withUpstream(
  answer: (seen: SeenRequest) => Response | Promise<Response>,
  test: (context: ReturnType<typeof contextOf>) => Promise<void>,
  options: Partial<UpstreamOptions> = {},
) {
  const server = startUpstream(answer);
  try {
    await test(contextOf(server, options));
  } finally {
    await server.close();
  }
}

function contextOf(server: ReturnType<typeof startUpstream>, options: Partial<UpstreamOptions>) {
  const upstream = createUpstream({
    url: server.url,
    auth: { mode: "forward" },
    timeoutMs: 10_000,
    fetch,
    ...options,
  });
  const get = { method: "GET", path: "/api/v2/me", body: null } as const;
  return {
    ...server,
    upstream,
    post: (agentId = "agent-1") => upstream.call(aRequest({ agentId })),
    get: (agentId = "agent-1") => upstream.call(aRequest({ agentId, ...get })),
  };
}

// -------------------------------------------------------------------------------------- cookies and tokens

Deno.test("call() keeps the agent's cookies and CSRF token, and shows neither to the client", async () => {
  const centre = protectedUpstream();
  await withUpstream(centre.answer, async ({ get, post }) => {
    const { headers } = await get();
    assert.deepEqual([...headers.keys()], ["cache-control", "content-length", "content-type"]);
    assert.equal((await post()).status, 200);
  });
  assert.deepEqual(centre.rows, ["GET null null", "POST JSESSIONID=s1 t1"]);
});

Deno.test("call() sends no agent the cookies or the token of another", async () => {
  const centre = protectedUpstream();
  await withUpstream(centre.answer, async ({ get }) => {
    await get("agent-1");
    await get("agent-2");
  });
  assert.deepEqual(centre.rows, ["GET null null", "GET null null"]);
});

Deno.test("call() takes all agents for one user in mode basic", async () => {
  const centre = protectedUpstream();
  const auth = { mode: "basic", username: "service", password: "" } as const;
  await withUpstream(centre.answer, async ({ get, post }) => {
    await get("agent-1");
    await post("agent-2");
  }, { auth });
  assert.deepEqual(centre.rows, ["GET null null", "POST JSESSIONID=s1 t1"]);
});

// ----------------------------------------------------------------------------------------- CSRF refusals

Deno.test("call() spends no GET on a token that upstream does not ask for", async () => {
  await withUpstream(() => Response.json({ statusCode: 0 }), async ({ post, seen }) => {
    await post();
    assert.deepEqual(seen.map(({ method }) => method), ["POST"]);
  });
});

Deno.test("call() fetches a token when upstream asks for one, and repeats the same request", async () => {
  const centre = protectedUpstream();
  await withUpstream(centre.answer, async ({ post, seen }) => {
    assert.equal((await post()).status, 200);
    assert.equal(seen[1]?.target, "/api/v2/me");
    assert.equal(seen[1]?.headers.get("authorization"), "Bearer agents-own");
    assert.equal(seen[1]?.headers.get("x-request-id"), "request-1");
    assert.deepEqual(seen[2]?.bytes, seen[0]?.bytes);
    assert.equal(seen[2]?.target, seen[0]?.target);
  });
  assert.deepEqual(centre.rows, ["POST null null", "GET null null", "POST JSESSIONID=s1 t1"]);
});

Deno.test("call() does so again when the HTTP session is lost", async () => {
  const centre = protectedUpstream();
  await withUpstream(centre.answer, async ({ post }) => {
    await post();
    centre.loseSession();
    assert.equal((await post()).status, 200);
    assert.equal((await post()).status, 200);
  });
  assert.deepEqual(centre.rows.slice(3), [
    "POST JSESSIONID=s1 t1",
    "GET JSESSIONID=s1 null",
    "POST JSESSIONID=s2 t2",
    "POST JSESSIONID=s2 t2",
  ]);
});

for (
  const [what, fresh, status, methods] of [
    ["once only, however often upstream refuses", true, 200, ["POST", "GET", "POST"]],
    ["not at all without a fresh token", false, 200, ["POST", "GET"]],
    ["not at all when the token is refused too", false, 401, ["POST", "GET"]],
  ] as const
) {
  Deno.test(`call() repeats a refused request ${what}`, async () => {
    const answer = ({ method }: SeenRequest) => {
      if (method === "POST") return new Response(REFUSAL, { status: 403 });
      const headers = fresh ? { "x-csrf-header": "X-CSRF-TOKEN", "x-csrf-token": "t" } : {};
      return Response.json({ statusCode: 0 }, { status, headers });
    };
    await withUpstream(answer, async ({ post, seen }) => {
      const { status, body } = await post();
      assert.equal(status, 403);
      assert.equal(new TextDecoder().decode(body), REFUSAL);
      assert.deepEqual(seen.map(({ method }) => method), methods);
    });
  });
}

for (const status of [401, 403]) {
  Deno.test(`call() brings any other ${status} back without a second request`, async () => {
    const answer = () => Response.json({ statusCode: 20 }, { status });
    await withUpstream(answer, async ({ get, post, seen }) => {
      assert.equal((await post()).status, status);
      assert.equal((await get()).status, status);
      assert.equal(seen.length, 2);
    });
  });
}

Deno.test("call() brings the refusal back when no token comes in time, as upstream has not acted", async () => {
  const clock = createVirtualClock();
  const answer = async ({ method, signal }: SeenRequest) => {
    if (method === "GET") await aborted(signal);
    return new Response(REFUSAL, { status: 403 });
  };
  await withUpstream(answer, async ({ post, whenSeen, seen }) => {
    const answered = post();
    await whenSeen(2);
    clock.advance(10_000);
    assert.equal((await answered).status, 403);
    assert.equal(seen.length, 2);
  }, { clock });
});

Deno.test("call() has one deadline for a request and its repetition", async () => {
  const clock = createVirtualClock();
  const centre = protectedUpstream();
  let posts = 0;
  const answer = async (seen: SeenRequest) => {
    if (seen.method === "POST" && ++posts === 2) await aborted(seen.signal);
    return centre.answer(seen);
  };
  await withUpstream(answer, async ({ post, whenSeen }) => {
    const answered = post();
    await whenSeen(1);
    clock.advance(4_000);
    await whenSeen(3);
    clock.advance(6_000);
    await assert.rejects(answered, UpstreamTimeout);
    assert.equal(clock.pending(), 0);
  }, { clock });
});

// ------------------------------------------------------------------------------------------- credentials

Deno.test("call() sends what the credentials say, for that agent and in place of the client's own", async () => {
  const asked: unknown[] = [];
  const credentials: UpstreamCredentials = {
    authorizationFor(...args) {
      asked.push(args);
      return Promise.resolve("Basic kept");
    },
  };
  await withUpstream(() => Response.json({ statusCode: 0 }), async ({ post, seen }) => {
    await post("agent-7");
    assert.equal(seen[0]?.headers.get("authorization"), "Basic kept");
  }, { auth: { mode: "vault" }, credentials });
  assert.deepEqual(asked, [["agent-7", "Bearer agents-own"]]);
});

for (const error of [new NoUpstreamCredentials("none"), new StoreUnavailable("read a record")]) {
  Deno.test(`call() sends nothing when the credentials end in ${error.name}`, async () => {
    const credentials: UpstreamCredentials = { authorizationFor: () => Promise.reject(error) };
    await withUpstream(() => Response.json({ statusCode: 0 }), async ({ post, seen }) => {
      await assert.rejects(post(), error);
      assert.equal(seen.length, 0);
      assert.equal(surelyNotSent(error), true);
    }, { auth: { mode: "vault" }, credentials });
  });
}

Deno.test("surelyNotSent() is false wherever upstream may have acted", () => {
  assert.equal(surelyNotSent(new UpstreamUnavailable("x", "never")), true);
  for (const error of [new UpstreamUnavailable("x", "maybe"), new UpstreamTimeout("x"), null]) {
    assert.equal(surelyNotSent(error), false);
  }
});
