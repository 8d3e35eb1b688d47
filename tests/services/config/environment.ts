import assert from "node:assert/strict";
import { type ConfigReading, readConfig } from "../../../services/config/config.ts";

export type Env = Record<string, string | undefined>;

export const KEY = new Uint8Array(32).map((_, index) => index);

/** What `readConfig` asks for at least. */
export const MINIMAL = {
  UPSTREAM_URL: "https://centre.example",
  JWT_ISSUER: "https://issuer.example/",
  JWT_AUDIENCE: "patchbay",
  JWKS_URL: "https://issuer.example/keys",
} as const satisfies Env;

/** What switches SMS on. */
export const SMS = {
  PUBLIC_URL: "https://patchbay.example",
  TWILIO_ACCOUNT_SID: `AC${"0123456789abcdef".repeat(2)}`,
  TWILIO_AUTH_TOKEN: "token-1",
  TWILIO_FROM: "+15550100000",
} as const satisfies Env;

export const SERVICE_SID = `MG${"0123456789ABCDEF".repeat(2)}`;

/** Reads the minimal environment with `env` over it. */
export const read = (env: Env) => readConfig({ ...MINIMAL, ...env });

export function configOf(reading: ConfigReading) {
  assert.ok(reading.ok, reading.ok ? "" : reading.faults.join("\n"));
  return reading.config;
}

export function faultsOf(reading: ConfigReading): readonly string[] {
  assert.ok(!reading.ok, "expected faults, but the configuration was taken");
  return reading.faults;
}

/** One test per environment that is taken. */
export function testTaken(rows: readonly (readonly [what: string, env: Env])[]) {
  for (const [what, env] of rows) {
    Deno.test(`readConfig() takes ${what}`, () => void configOf(read(env)));
  }
}

/** One test per environment that is refused, with all of its faults. */
export function testRefused(rows: readonly (readonly [env: Env, ...faults: string[]])[]) {
  for (const [env, ...faults] of rows) {
    const what = Object.entries(env).map(([name, value]) => `${name}=${value}`).join(" ");
    Deno.test(`readConfig() refuses ${what.replaceAll("\n", "\\n")}`, () => {
      assert.deepEqual(faultsOf(read(env)), faults);
    });
  }
}

/** The rows of a variable's wrong texts, all with the same expectation. */
export function wrongTexts(
  name: string,
  texts: readonly string[],
  expected: string,
  around: Env = {},
): [Env, string][] {
  return texts.map((text) => [
    { ...around, [name]: text },
    `Cannot use ${name}=${text}: expected ${expected}`,
  ]);
}
