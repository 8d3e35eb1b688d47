import assert from "node:assert/strict";
import { PROBLEMS } from "../../middleware/problem_kinds.ts";
import { healthRoutes } from "../../routes/health.ts";
import { StoreUnavailable } from "../../services/errors.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";
import { appOf, problemOf } from "./management_app.ts";

function setUp() {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const state = { storeUp: true, keysLoaded: true, draining: false, pings: 0 };
  const degraded: Record<string, string> = {};
  const app = appOf(healthRoutes({
    clock,
    log,
    pingStore: () => {
      state.pings++;
      return state.storeUp
        ? Promise.resolve()
        : Promise.reject(new StoreUnavailable("reach redis at secret.test"));
    },
    keysLoaded: () => state.keysLoaded,
    draining: () => state.draining,
    degraded: () => degraded,
  }));
  return { clock, log, state, degraded, get: (path: string) => app.request(path) };
}

Deno.test("GET /healthz answers 200 whatever else is down", async () => {
  const { state, get } = setUp();
  Object.assign(state, { storeUp: false, keysLoaded: false, draining: true });
  const answer = await get("/healthz");
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { status: "up" });
  assert.equal(state.pings, 0);
});

Deno.test("GET /readyz answers 200 when everything is there", async () => {
  const answer = await setUp().get("/readyz");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.deepEqual(await answer.json(), { status: "ready" });
});

Deno.test("GET /readyz answers 200 and names what is degraded, as the rest goes on", async () => {
  const { degraded, get } = setUp();
  degraded["sms"] = "stopped: 20003";
  const answer = await get("/readyz");
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { status: "degraded", sms: "stopped: 20003" });
});

const MISSING: [Record<string, boolean>, string[]][] = [
  [{ storeUp: false }, ["store"]],
  [{ keysLoaded: false }, ["key set"]],
  [{ draining: true }, ["not draining"]],
  [{ storeUp: false, keysLoaded: false, draining: true }, ["not draining", "key set", "store"]],
];

for (const [change, missing] of MISSING) {
  Deno.test(`GET /readyz answers 503 and names: ${missing.join(", ")}`, async () => {
    const { state, get } = setUp();
    Object.assign(state, change);
    const answer = await get("/readyz");
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: "not ready", missing });
  });
}

Deno.test("GET /readyz tells the log, and not the caller, why the store is unreachable", async () => {
  const { log, state, get } = setUp();
  state.storeUp = false;
  assert.doesNotMatch(await (await get("/readyz")).text(), /secret/);
  assert.match(String(log.of("store.unreachable")[0]?.fields.reason), /secret\.test/);
});

Deno.test("GET /readyz asks the store at most every 2 s, however often it is asked", async () => {
  const { clock, state, get } = setUp();
  const ready = async () => (await get("/readyz")).status;
  assert.deepEqual(await Promise.all([ready(), ready()]), [200, 200]);
  state.storeUp = false;
  clock.advance(1_999);
  assert.equal(await ready(), 200);
  assert.equal(state.pings, 1);
  clock.advance(1);
  assert.equal(await ready(), 503);
  assert.equal(state.pings, 2);
});

for (const [code, { title, status, statusCode, explanation }] of Object.entries(PROBLEMS)) {
  Deno.test(`GET /problems/${code} explains it`, async () => {
    const answer = await setUp().get(`/problems/${code}`);
    assert.equal(answer.status, 200);
    const type = `/problems/${code}`;
    assert.deepEqual(await answer.json(), { type, title, status, statusCode, explanation });
  });
}

for (const code of ["no-such-problem", "constructor", "__proto__"]) {
  Deno.test(`GET /problems/${code} is 404`, async () => {
    const answer = await setUp().get(`/problems/${code}`);
    assert.equal(answer.status, 404);
    assert.equal((await problemOf(answer)).code, "not-found");
  });
}
