/** What following many agents takes in memory: one instance, its own process, against a simulated contact centre in another. */
import { parseArgs } from "node:util";
import { systemClock } from "../../services/clock.ts";
import { createIds } from "../../services/ids.ts";
import { createPublisher } from "../../services/publisher.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { openPollConnections } from "../../services/subscriber/poll_connections.ts";
import { createSubscriber, type Subscriber } from "../../services/subscriber/subscriber.ts";
import { createAgentLinks } from "../../services/upstream/agent_links.ts";
import { basicAuthorization } from "../../services/upstream/credentials.ts";
import { createUpstream } from "../../services/upstream/upstream.ts";
import { readCount, runMain, say } from "../../tests/simulator/kit/program.ts";
import { startProgram } from "../../tests/support/program_process.ts";

const HELP = `Measures the resident memory of an instance that follows many agents' notifications.

Usage: deno run -A bench/subscriber/memory.ts [--agents=500] [--seconds=75]

  --agents    how many connections, each with its long poll
  --seconds   how long they are kept, once all are there; polls last 30 s
  --help      shows this

The contact centre is simulated and runs as a process of its own on loopback. It stops by itself.`;

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const DAY_MS = 86_400_000;
const WITHIN_MS = 60_000;
const PASSWORD = "simulated";

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      agents: { type: "string", default: "500" },
      seconds: { type: "string", default: "75" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  const agents = readCount("--agents", values.agents);
  const seconds = readCount("--seconds", values.seconds);

  const { promise: listening, resolve } = Promise.withResolvers<string>();
  await using _centre = startProgram({
    main: "tests/simulator/contact_centre/main.ts",
    args: ["--port", "0", "--anyone"],
    onLine(line) {
      const [, url] = /listening on (\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    },
  });
  const url = new URL(await listening);
  const connections = openPollConnections({ fetch });
  const policy = { sessionTtlMs: DAY_MS, eventRetentionMs: DAY_MS };
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy });
  const subscriber = await create(url, connections.fetch, store);
  tell("before", subscriber);

  subscriber.start();
  for (let agent = 1; agent <= agents; agent++) {
    const agentId = `agent-${agent}`;
    const token = { authorization: null, authorizationExpiresAtMs: null };
    subscriber.follow({ agentId, because: "login", ...token });
  }
  const startedAtMs = performance.now();
  while (subscriber.state.live < agents) {
    if (performance.now() - startedAtMs > WITHIN_MS) {
      throw new Error(`Cannot measure: ${subscriber.state.live} of ${agents} came to life`);
    }
    await pause(100);
  }
  tell(`all live after ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`, subscriber);
  for (let passed = 0; passed < seconds; passed += 15) {
    await pause(15_000);
    tell(`${passed + 15} s later`, subscriber);
  }
  say(`peak ${await peakText()}`);
  await subscriber.stop();
  await store.close();
  connections.close();
}

function create(
  url: URL,
  fetch: typeof globalThis.fetch,
  store: ReturnType<typeof openSqliteStore>,
): Promise<Subscriber> {
  const ids = createIds();
  const common = { clock: systemClock, ids, log: QUIET, store };
  const links = createAgentLinks({ url, mode: "vault" });
  const credentials = {
    authorizationFor: (agentId: string) => Promise.resolve(basicAuthorization(agentId, PASSWORD)),
  };
  const auth = { mode: "vault" } as const;
  return createSubscriber({
    ...common,
    upstreamUrl: url,
    mode: auth.mode,
    path: "/api/v2/notifications",
    channels: ["/v2/me/*"],
    upstream: createUpstream({ url, auth, timeoutMs: 10_000, fetch, credentials, links }),
    links,
    credentials,
    publisher: createPublisher({ ...common, smsEnabled: false, onPublished: () => {} }),
    random: Math.random,
    fetch,
  });
}

function tell(when: string, { state }: Subscriber): void {
  const { rss, heapUsed } = Deno.memoryUsage();
  say(`${when}: ${megabytes(rss)} resident, ${megabytes(heapUsed)} of heap, ${state.live} live`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MB`;
}

/** The most that was ever resident (proc(5), VmHWM). */
async function peakText(): Promise<string> {
  try {
    const status = await Deno.readTextFile("/proc/self/status");
    return /^VmHWM:\s*(.+)$/m.exec(status)?.[1] ?? "not known";
  } catch {
    return "not known on this system";
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

await runMain(main);
