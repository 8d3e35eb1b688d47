import {
  createTestKey,
  TEST_AUDIENCE,
  TEST_ISSUER,
  type TestKey,
} from "../../simulator/kit/tokens.ts";
import {
  type PatchbayProcess,
  type Program,
  type Running,
  spawnPatchbay,
  type StartingPatchbay,
} from "./patchbay_process.ts";

/**
 * A Patchbay that logs nothing but errors, and what is needed to put load on it. `await using` stops it: it drains, and
 * what it has under way arrives.
 */
export interface PatchbayForLoad extends PatchbayProcess, PatchbayClient {}

/** Calls one of them, as upstream and as an agent. */
export interface PatchbayClient {
  /** Hands one request's worth of notifications in; the text of a notification or of an array of them. */
  ingest(
    notificationsJson: string,
  ): Promise<{ readonly accepted: number; readonly duplicates: number }>;
  /** Makes a request as an agent with every scope; throws for an answer that is not 2xx. */
  manage(method: string, path: string, body?: object): Promise<unknown>;
}

export interface PatchbayForLoadOptions extends Omit<Running, "program"> {
  /** `main.ts` where left out; none that listens by itself, at a port of its own. */
  readonly program?: Exclude<Program, "serve.ts">;
  /** Beside what every one of them needs: the store above all. */
  readonly env: Readonly<Record<string, string>>;
}

const NOTIFICATIONS_TOKEN = "notifications-of-a-test";
const SCOPES = "sms:operate webhooks:read webhooks:write sessions:read sessions:write";
/** Nothing listens there: no test of these processes has an upstream. */
const NO_UPSTREAM = "http://127.0.0.1:9";
const STARTS = 5;
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
const TOKEN_LIFETIME_S = 3_600;

let key: Promise<TestKey> | null = null;

/** Starts `main.ts` on loopback and resolves when it is ready. Rejects when it does not become so. */
export async function startPatchbayForLoad(
  { env, ...options }: PatchbayForLoadOptions,
): Promise<PatchbayForLoad> {
  for (let start = 1;; start++) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const patchbay = spawnPatchbay({ ...await patchbayEnv(port), ...env }, {
      onErrorLine: show,
      ...options,
    });
    if (await isReady(url, patchbay)) {
      return Object.assign(patchbay, {
        url,
        ...await clientOf(url),
        [Symbol.asyncDispose]: async () => void await patchbay.stop(),
      });
    }
    await patchbay.kill();
    // Between choosing a free port and listening on it somebody else may have taken it.
    if (start === STARTS) throw new Error("Cannot start Patchbay: it did not become ready");
  }
}

/** What every Patchbay of these tests is configured with; the store is left to the caller. */
export async function patchbayEnv(port: number): Promise<Record<string, string>> {
  const { publicJwk } = await sharedKey();
  return {
    HOST: "127.0.0.1",
    PORT: String(port),
    UPSTREAM_URL: NO_UPSTREAM,
    JWT_ISSUER: TEST_ISSUER,
    JWT_AUDIENCE: TEST_AUDIENCE,
    JWT_PUBLIC_KEY: JSON.stringify(publicJwk),
    NOTIFICATIONS_TOKEN,
    EGRESS_ALLOW: "127.0.0.0/8",
    RATE_LIMIT_PER_AGENT: "off",
    LOG_LEVEL: "error",
  };
}

function sharedKey(): Promise<TestKey> {
  key ??= createTestKey();
  return key;
}

/** The environment that makes it keep its data in a Redis. */
export function redisEnv(redisUrl: string): Record<string, string> {
  return { REDIS_URL: redisUrl, ENCRYPTION_KEY: new Uint8Array(32).fill(7).toBase64() };
}

/** A client of a Patchbay that was started with {@link patchbayEnv}; its agent is `agent-1`. */
export async function clientOf(url: string): Promise<PatchbayClient> {
  const { sign } = await sharedKey();
  const token = await sign({ scope: SCOPES }, { lifetimeS: TOKEN_LIFETIME_S });
  const bearer = (token: string) => ({
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  });
  const ingress = {
    url: `${url}/ingress/notifications`,
    headers: bearer(NOTIFICATIONS_TOKEN),
  };
  return {
    async ingest(notificationsJson) {
      const response = await fetch(ingress.url, {
        method: "POST",
        headers: ingress.headers,
        body: notificationsJson,
      });
      if (response.status === 202) return await response.json();
      throw new Error(`Cannot ingest: ${response.status} ${await response.text()}`);
    },
    async manage(method, path, body) {
      const response = await fetch(url + path, {
        method,
        headers: bearer(token),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`Cannot ${method} ${path}: ${response.status} ${text}`);
      return text === "" ? null : JSON.parse(text);
    },
  };
}

/** What it says on its standard error is shown, unless somebody takes it. */
function show(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** It does not say that it listens, as it logs errors alone. False: it ended, as it does when its port is taken. */
async function isReady(url: string, { exited }: StartingPatchbay): Promise<boolean> {
  let ended = false;
  exited.then(() => ended = true);
  const giveUpAtMs = performance.now() + READY_WITHIN_MS;
  while (!ended && performance.now() < giveUpAtMs) {
    try {
      const response = await fetch(`${url}/readyz`);
      await response.body?.cancel();
      if (response.ok) return true;
    } catch {
      // It does not listen yet. That is nothing one could await from outside, so it is looked at again.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
