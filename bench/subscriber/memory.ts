/** What following many agents takes in memory: a whole Patchbay as a process, against a simulated contact centre in another. */
import { parseArgs } from "node:util";
import { readCount, runMain, say, UsageError } from "../../simulator/kit/program.ts";
import { startPatchbayProcess } from "../../tests/support/patchbay_process.ts";
import { startListeningProgram } from "../../tests/support/program_process.ts";
import { type RedisServer, startRedisServer } from "../../simulator/kit/redis_server.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";

const HELP = `Measures the resident memory of a Patchbay that follows many agents' notifications.

  deno task follow [flags]

  --agents N      how many connections, each with its long poll (default 500)
  --seconds N     how long they are kept, once all are there; polls last 30 s (default 75)
  --store NAME    sqlite (default) or redis, which needs redis-server on the PATH
  --young MB      V8's --max-semi-space-size for Patchbay; its own choice without
  --help          this text

Patchbay (UPSTREAM_AUTH=vault) and the simulated contact centre are processes of their own on loopback. It stops
by itself.`;

/** What 500 agents may take (resident, whole process). */
const PROMISED_MB = 250;
const WITHIN_MS = 120_000;
/** Requests under way while the agents sign in. */
const AT_ONCE = 8;

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      agents: { type: "string", default: "500" },
      seconds: { type: "string", default: "75" },
      store: { type: "string", default: "sqlite" },
      young: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  const agents = readCount("--agents", values.agents);
  const seconds = readCount("--seconds", values.seconds);
  const youngMb = values.young === undefined ? null : readCount("--young", values.young);

  await using redis = await startStore(values.store);
  await using centre = await startListeningProgram({
    main: "simulator/contact_centre/main.ts",
    args: ["--port", "0", "--anyone"],
  });
  const key = await createTestKey();
  let live = 0;
  await using patchbay = await startPatchbayProcess({
    UPSTREAM_URL: centre.url,
    UPSTREAM_AUTH: "vault",
    SUBSCRIBE: "on",
    JWT_ISSUER: TEST_ISSUER,
    JWT_AUDIENCE: TEST_AUDIENCE,
    JWT_PUBLIC_KEY: JSON.stringify(key.jwks),
    ...(redis === null ? { SQLITE_PATH: ":memory:" } : {
      REDIS_URL: redis.url,
      ENCRYPTION_KEY: crypto.getRandomValues(new Uint8Array(32)).toBase64(),
    }),
  }, {
    denoArgs: youngMb === null ? [] : [`--v8-flags=--max-semi-space-size=${youngMb}`],
    onLine(line) {
      if (line.includes('"subscriber.live"')) live++;
    },
  });
  const { url } = patchbay;
  const tell = async (when: string) => {
    const { nowMb, peakMb } = await residentOf(patchbay.pid);
    say(`${when}: ${nowMb} MB resident, ${peakMb} MB at most so far, ${live} live`);
    return peakMb;
  };
  await tell("before");

  const startedAtMs = performance.now();
  const waiting = Array.from({ length: agents }, (_, at) => `agent-${at + 1}`);
  const signIns = Array.from({ length: AT_ONCE }, async () => {
    for (let agentId = waiting.shift(); agentId !== undefined; agentId = waiting.shift()) {
      const scope = "sms:operate credentials:write";
      await signIn(url, await key.sign({ sub: agentId, scope }), agentId);
    }
  });
  await Promise.all(signIns);
  while (live < agents) {
    if (performance.now() - startedAtMs > WITHIN_MS) {
      throw new Error(`Cannot measure: ${live} of ${agents} came to life`);
    }
    await pause(100);
  }
  await tell(`all live after ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`);
  let peakMb = 0;
  for (let passed = 0; passed < seconds; passed += 15) {
    await pause(15_000);
    peakMb = await tell(`${passed + 15} s later`);
  }
  if (agents <= 500 && peakMb > PROMISED_MB) {
    throw new Error(`Cannot call it good: ${peakMb} MB, expected ${PROMISED_MB} at most`);
  }
}

/** Null: SQLite, within Patchbay. */
function startStore(name: string): Promise<RedisServer | null> {
  if (name === "redis") return startRedisServer();
  if (name === "sqlite") return Promise.resolve(null);
  throw new UsageError(`Cannot use --store ${name}: expected sqlite or redis`);
}

/** Leaves credentials and begins a contact-centre session, from which on the agent is followed. */
async function signIn(url: string, token: string, agentId: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const requests = [
    ["PUT", "/v1/agents/me/credentials", { username: agentId, password: "simulated" }],
    ["POST", "/api/v2/me", {
      operationName: "StartContactCenterSession",
      channels: ["smssession"],
    }],
  ] as const;
  for (const [method, path, body] of requests) {
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`Cannot measure: ${method} ${path} was ${answer.status}`);
  }
}

/** What is resident of a process, and the most that ever was (proc(5), VmRSS and VmHWM). */
async function residentOf(pid: number): Promise<{ nowMb: number; peakMb: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const megabytes = (name: string) => {
    const [, kilobytes] = new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status) ?? [];
    return Math.round(Number(kilobytes) / 1024);
  };
  return { nowMb: megabytes("VmRSS"), peakMb: megabytes("VmHWM") };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

await runMain(main);
