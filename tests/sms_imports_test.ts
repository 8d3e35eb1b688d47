import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

// Each costs 25 to 270 ms and up to 33 MB: a Patchbay without SMS is not to pay for them.
const SMS_PACKAGES = ["twilio", "libphonenumber-js", "sms-segments-calculator"];

const root = new URL("../", import.meta.url);

const infoSchema = v.object({
  roots: v.array(v.string()),
  redirects: v.optional(v.record(v.string(), v.string()), {}),
  modules: v.array(v.object({
    specifier: v.string(),
    dependencies: v.optional(
      v.array(v.object({
        code: v.optional(v.object({ specifier: v.optional(v.string()) })),
        isDynamic: v.optional(v.boolean(), false),
      })),
      [],
    ),
  })),
});

async function runDeno(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: fileURLToPath(root),
    env,
  }).output();
  const decoder = new TextDecoder();
  return { code, printed: decoder.decode(stdout), complaints: decoder.decode(stderr) };
}

/** What is loaded with `file` before anything runs: dynamic imports are left out unless they are asked for. */
async function reachedFrom(file: string, { dynamic }: { dynamic: boolean }): Promise<string[]> {
  const { printed } = await runDeno(["info", "--json", file]);
  const { roots, modules, redirects } = v.parse(infoSchema, JSON.parse(printed));
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const reached = new Set<string>();
  const ahead = [...roots];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const specifier = redirects[next] ?? next;
    if (reached.has(specifier)) continue;
    reached.add(specifier);
    for (const { code, isDynamic } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code?.specifier !== undefined && (dynamic || !isDynamic)) ahead.push(code.specifier);
    }
  }
  return [...reached];
}

const isOf = (name: string) => (specifier: string) =>
  new RegExp(`^npm:/?${name}(@|/|$)`).test(specifier);

Deno.test("nothing that main.ts loads at once leads to the packages for SMS", async () => {
  const reached = await reachedFrom("main.ts", { dynamic: false });
  assert.ok(reached.some(isOf("hono")), "the graph does not show packages at all");
  for (const name of SMS_PACKAGES) assert.deepEqual(reached.filter(isOf(name)), [], name);
  // They would be seen: what is imported later leads to each of them.
  const later = await reachedFrom("main.ts", { dynamic: true });
  for (const name of SMS_PACKAGES) assert.ok(later.some(isOf(name)), name);
});

/**
 * Starts Patchbay, asks it something, drains it, and prints which packages the process has loaded, and how long it had run
 * when Patchbay answered, its own modules included. With `THEN_IMPORT` it imports `twilio` at that point, and tells how long
 * that took on top.
 */
const PROGRAM = `
  import { createRequire } from "node:module";
  import { startPatchbay } from ${JSON.stringify(new URL("main.ts", root).href)};
  import { systemClock } from ${JSON.stringify(new URL("services/support/clock.ts", root).href)};
  import { systemNetwork } from ${JSON.stringify(new URL("services/http/network.ts", root).href)};
  import { readConfig } from ${JSON.stringify(new URL("services/config/config.ts", root).href)};
  const env = JSON.parse(Deno.args[0]);
  const reading = readConfig(env);
  if (!reading.ok) throw new Error(reading.faults.join());
  const quiet = () => {};
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const patchbay = await startPatchbay(reading.config, {
    log, clock: systemClock, random: Math.random, fetch, network: systemNetwork,
  });
  const answer = await fetch(patchbay.url + "/healthz");
  await answer.body?.cancel();
  const readyMs = performance.now();
  if (env.THEN_IMPORT) await import("twilio");
  const importMs = performance.now() - readyMs;
  await patchbay.drain();
  // CommonJS packages of npm, as these three are, stand in the cache of require().
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  console.log(JSON.stringify({ readyMs, importMs, loaded }));
  Deno.exit(0);
`;

const WITHOUT_SMS = {
  HOST: "127.0.0.1",
  PORT: "0",
  UPSTREAM_URL: "http://127.0.0.1:9",
  JWT_ISSUER: "https://issuer.example/",
  JWT_AUDIENCE: "patchbay",
  JWKS_URL: "http://127.0.0.1:9/keys",
  SQLITE_PATH: ":memory:",
};

const WITH_SMS = {
  PUBLIC_URL: "https://edge.example",
  TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}`,
  TWILIO_AUTH_TOKEN: "token",
  TWILIO_FROM: "+15005550006",
  TWILIO_API_URL: "http://127.0.0.1:9",
};

async function startedWith(env: Record<string, string>) {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, PROGRAM);
    const config = fileURLToPath(new URL("deno.json", root));
    const { printed, complaints } = await runDeno(
      ["run", "-A", "--config", config, file, JSON.stringify({ ...WITHOUT_SMS, ...env })],
    );
    assert.notEqual(printed, "", complaints);
    const schema = v.object({
      readyMs: v.number(),
      importMs: v.number(),
      loaded: v.array(v.string()),
    });
    return v.parse(schema, JSON.parse(printed));
  } finally {
    await Deno.remove(file);
  }
}

const packagesIn = (loaded: readonly string[]) =>
  SMS_PACKAGES.filter((name) => loaded.some((path) => path.includes(`/${name}/`)));

Deno.test("a Patchbay that runs without SMS has loaded none of the packages for SMS", async () => {
  const { loaded } = await startedWith({});
  assert.deepEqual(packagesIn(loaded), []);
});

Deno.test("the check would see twilio if it were loaded", async () => {
  const { loaded } = await startedWith({ THEN_IMPORT: "yes" });
  assert.deepEqual(packagesIn(loaded), ["twilio"]);
});

Deno.test("with SMS configured they are not loaded either before the first text", async () => {
  const { loaded } = await startedWith(WITH_SMS);
  assert.deepEqual(packagesIn(loaded), []);
});

/** A busy machine disturbs single runs, so the best of a few count; as a rule the first pair is enough. */
const MOST_ROUNDS = 6;

Deno.test("the start-up of a Patchbay without SMS takes none of the time that importing twilio takes", async () => {
  let [readyMs, withTwilioMs, importMs] = [Infinity, Infinity, Infinity];
  const isSpared = () => importMs > 5 && withTwilioMs - readyMs > importMs / 2;
  for (let round = 0; round < MOST_ROUNDS && !isSpared(); round++) {
    const without = await startedWith({});
    const after = await startedWith({ THEN_IMPORT: "yes" });
    readyMs = Math.min(readyMs, without.readyMs);
    withTwilioMs = Math.min(withTwilioMs, after.readyMs + after.importMs);
    // Next to nothing where the start has imported it already.
    importMs = Math.min(importMs, after.importMs);
  }
  const seen =
    `ready after ${readyMs} ms, with twilio ${withTwilioMs} ms, of which it took ${importMs}`;
  assert.ok(isSpared(), seen);
});
