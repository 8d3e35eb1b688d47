import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { createInbox } from "../../simulator/kit/inbox.ts";
import { startAnnouncedProgram } from "../support/program_process.ts";
import { ACCOUNT_SID, OWN_NUMBER } from "../support/twilio_requests.ts";
import { SECRETS } from "./canaries.ts";
import { faultOfLine } from "./judge.ts";
import { type Credential, type IdKind, type RequestContext } from "./requests.ts";
import { startSurroundings } from "./surroundings.ts";
import type { WireAnswer } from "./wire.ts";

/** What is put to the test, and how it is doing. */
export interface FuzzTarget extends AsyncDisposable {
  readonly port: number;
  readonly context: RequestContext;
  /** Takes note of what an answer tells of ids. */
  heard(answer: WireAnswer): void;
  /** What was found beside the answers since this was last asked; null: nothing. To be asked when all answers are there. */
  faults(): Promise<string | null>;
  /** Brings back what has grown while nobody cared, such as webhooks that take every event. */
  tidy(): Promise<void>;
  /** Bytes, after a collection of what is no longer used. */
  memory(): Promise<number>;
}

/** How a Patchbay may go to the contact centre. */
export const AUTH_MODES = ["forward", "vault", "basic"] as const;

const PUBLIC_URL = "https://edge.example";
const ALL_SCOPES = [
  ...["sms:operate", "sms:supervise", "credentials:write", "opt-outs:read", "opt-outs:write"],
  ...["tokens:revoke"],
  ...["sessions:read", "sessions:write", "webhooks:read", "webhooks:write"],
].join(" ");

/**
 * Only what it needs, and nobody but loopback: whatever address a webhook was registered with, no packet leaves this
 * machine.
 */
const DENO_COMMAND = [
  ...["run", "--quiet", "--allow-net=127.0.0.1", "--allow-read", "--allow-write", "--allow-env"],
  ...["--allow-sys"],
];

/** How long it is waited for the log to tell of what has been answered. */
const LOGGED_WITHIN_MS = 20_000;
const SETTLE_MS = 500;

/** A Patchbay as a process of its own with everything switched on, and everybody whom it talks to. */
export async function startFuzzTarget(
  { auth }: { readonly auth: (typeof AUTH_MODES)[number] },
): Promise<FuzzTarget> {
  await using started = new AsyncDisposableStack();
  const surroundings = started.use(startSurroundings());
  const folder = await Deno.makeTempDir({ prefix: "fuzz-" });
  started.defer(() => Deno.remove(folder, { recursive: true }));
  const key = await createTestKey();
  const probes = createInbox<string>("probe");
  const found: string[] = [];

  function take(line: string): void {
    const probe = /"requestId":"(probe-\d+)"/.exec(line)?.[1];
    if (probe !== undefined) probes.add(probe);
    const fault = faultOfLine(line);
    if (fault !== null) found.push(fault);
  }

  const program = await startAnnouncedProgram({
    main: "main.ts",
    denoCommand: DENO_COMMAND,
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      PUBLIC_URL,
      UPSTREAM_URL: surroundings.origin,
      UPSTREAM_AUTH: auth,
      ...(auth === "basic" &&
        { UPSTREAM_USERNAME: "patchbay", UPSTREAM_PASSWORD: SECRETS.password }),
      TWILIO_API_URL: surroundings.origin,
      JWT_ISSUER: TEST_ISSUER,
      JWT_AUDIENCE: TEST_AUDIENCE,
      JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
      SQLITE_PATH: `${folder}/patchbay.db`,
      NOTIFICATIONS_TOKEN: SECRETS.notificationsToken,
      METRICS_TOKEN: SECRETS.metricsToken,
      TWILIO_ACCOUNT_SID: ACCOUNT_SID,
      TWILIO_AUTH_TOKEN: SECRETS.twilioToken,
      TWILIO_FROM: OWN_NUMBER,
      EGRESS_ALLOW: "127.0.0.0/8",
      RATE_LIMIT_PER_AGENT: "off",
      WEBHOOK_RETRY_S: "0.5,0.5",
      WEBHOOK_TIMEOUT_MS: "1000",
      MEDIA: "on",
      DEFAULT_COUNTRY: "US",
      TRUST_PROXY_HOPS: "1",
      LOG_LEVEL: "debug",
      // Deno itself gives back what it can at SIGUSR2.
      DENO_USR2_MEMORY_TRIM: "1",
    },
    onLine: take,
    onErrorLine: (line) => void found.push(`stderr: ${line}`),
  }, /"event":"patchbay\.listening","url":"([^"]+)"/);
  started.defer(async () => void await program.stop());

  const sign = (sub: string, scope: string, lifetimeS = 86_400) =>
    key.sign({ sub, scope }, { lifetimeS });
  const tokens: Record<Credential, string | null> = {
    "none": null,
    "agent-1": await sign("agent-1", ALL_SCOPES),
    "agent-2": await sign("agent-2", ALL_SCOPES),
    "supervisor": await sign("supervisor", ALL_SCOPES),
    "nobody": await sign("nobody", "nothing"),
    "notifications": SECRETS.notificationsToken,
    "metrics": SECRETS.metricsToken,
    "expired": await sign("agent-1", ALL_SCOPES, -86_400),
    "forged": (await sign("agent-1", ALL_SCOPES)).slice(0, -8) + "AAAAAAAA",
    "garbage": "a.b.c",
  };
  const ids = new Map<IdKind, string>();
  let probed = 0;
  const everything = started.move();

  async function ask(method: string, path: string): Promise<string> {
    const answer = await fetch(program.url + path, {
      method,
      headers: { authorization: `Bearer ${tokens.supervisor}` },
    });
    return await answer.text();
  }

  return {
    port: Number(new URL(program.url).port),
    context: {
      tokens,
      publicUrl: PUBLIC_URL,
      consumerUrl: `${surroundings.origin}/hook`,
      idOf: (kind) => ids.get(kind) ?? `${kind}_0`,
    },
    heard({ body }) {
      for (
        const [, id = "", kind = ""] of body.matchAll(/"(?:id|eventId)":"((wh|evt|dlv)_\w+)"/g)
      ) {
        ids.set(kind as IdKind, id);
      }
      const reference = /\/v1\/media\/([\w.-]+)/.exec(body)?.[1];
      if (reference !== undefined) ids.set("media", reference);
    },
    async faults() {
      // The log is written in order: when it tells of this request, it has told of those before.
      const probe = `probe-${++probed}`;
      const answer = await fetch(`${program.url}/healthz`, { headers: { "x-request-id": probe } });
      await answer.body?.cancel();
      await probes.until(probe, (all) => all.at(-1) === probe || undefined, {
        timeoutMs: LOGGED_WITHIN_MS,
      });
      return found.splice(0).join("\n") || null;
    },
    async tidy() {
      const { data } = JSON.parse(await ask("GET", "/v1/webhooks?limit=100"));
      for (const { id } of data) await ask("DELETE", `/v1/webhooks/${id}`);
    },
    async memory() {
      Deno.kill(program.pid, "SIGUSR2");
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    },
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}
