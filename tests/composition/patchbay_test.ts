import { noNetwork } from "../support/no_network.ts";
import assert from "node:assert/strict";
import { composePatchbay } from "../../composition/patchbay.ts";
import { readConfig } from "../../services/config/config.ts";
import { systemClock } from "../../services/support/clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";

Deno.test("nothing is asked for while it is built, as a process that loads lets deadlines pass; start() gets the keys", async () => {
  const reading = readConfig({
    UPSTREAM_URL: "http://127.0.0.1:9",
    JWT_ISSUER: "https://issuer.test/",
    JWT_AUDIENCE: "patchbay",
    JWKS_URL: "http://127.0.0.1:9/keys",
    SQLITE_PATH: ":memory:",
  });
  assert.ok(reading.ok);
  const asked: string[] = [];
  const log = createMemoryLog();
  const patchbay = await composePatchbay(reading.config, {
    log,
    clock: systemClock,
    random: Math.random,
    network: noNetwork,
    fetch(input) {
      asked.push(String(input instanceof Request ? input.url : input));
      return Promise.resolve(Response.json({ keys: [{ kty: "OKP" }] }));
    },
  });
  assert.deepEqual(asked, []);
  patchbay.start();
  await log.whenLogged("key_set.fetched");
  assert.deepEqual(asked, ["http://127.0.0.1:9/keys"]);
  await patchbay.drain(() => Promise.resolve());
});
