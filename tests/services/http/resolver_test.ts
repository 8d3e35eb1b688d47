import assert from "node:assert/strict";
import { NotSent } from "../../../services/http/network_failure.ts";
import { createResolver, type Lookup, systemLookup } from "../../../services/http/resolver.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const failing = (code: string): Lookup => () =>
  Promise.reject(Object.assign(new Error(`getaddrinfo ${code}`), { code }));
const silent: Lookup = () => new Promise(() => {});

async function kindOf(resolving: Promise<unknown>): Promise<string> {
  try {
    await resolving;
    return "resolved";
  } catch (error) {
    assert.ok(error instanceof NotSent);
    return error.kind;
  }
}

for (
  const [what, lookup, expected] of [
    ["a name that does not exist", failing("ENOTFOUND"), "name-not-found"],
    ["a name without addresses", failing("ENODATA"), "name-not-found"],
    ["an empty answer", () => Promise.resolve([]), "name-not-found"],
    ["a server that fails", failing("EAI_AGAIN"), "resolver-failed"],
    ["an error that nobody knows", failing("ESERVFAIL"), "resolver-failed"],
    ["an answer", () => Promise.resolve(["192.0.2.1"]), "resolved"],
  ] as const
) {
  Deno.test(`${what} is told as ${expected}, and no timer stays behind`, async () => {
    const clock = createVirtualClock();
    const resolve = createResolver({ lookup, clock });
    assert.equal(await kindOf(resolve("hooks.example")), expected);
    assert.equal(clock.pending(), 0);
  });
}

Deno.test("a resolver that is silent is waited for six seconds, or as long as one says", async () => {
  for (const timeoutMs of [6_000, 2_000]) {
    const clock = createVirtualClock();
    const resolve = createResolver({
      lookup: silent,
      clock,
      ...(timeoutMs === 2_000 && { timeoutMs }),
    });
    const kind = kindOf(resolve("hooks.example"));
    assert.equal(clock.nextDueInMs(), timeoutMs);
    clock.advance(timeoutMs);
    assert.equal(await kind, "resolver-failed");
  }
});

Deno.test("looking up ends with the signal", async () => {
  const clock = createVirtualClock();
  const resolve = createResolver({ lookup: silent, clock });
  const giving = new AbortController();
  const kind = kindOf(resolve("hooks.example", giving.signal));
  giving.abort();
  assert.equal(await kind, "resolver-failed");
  assert.equal(await kindOf(resolve("hooks.example", giving.signal)), "resolver-failed");
  assert.equal(clock.pending(), 0);
});

Deno.test("the system's resolver knows the hosts file, and takes addresses for themselves", async () => {
  assert.ok((await systemLookup("localhost")).includes("127.0.0.1"));
  assert.deepEqual(await systemLookup("127.0.0.1"), ["127.0.0.1"]);
  assert.deepEqual(await systemLookup("::1"), ["::1"]);
});
