import { type Answer, type Client, createClient } from "../black_box/client.ts";
import {
  type Environment,
  type LogLine,
  type PatchbayProcess,
  startPatchbayProcess,
} from "../support/patchbay_process.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";

/** Two Patchbays that follow agents with the credentials that these have left, and share a store. */
export interface Pair extends AsyncDisposable {
  /**
   * Lets an agent make a request of one instance, and the next of the other. Throws for an answer that is not 2xx; who dies
   * over a request gives none, and may have carried it out.
   */
  ask(agentId: string, request: (client: Client) => Promise<Answer>): Promise<void>;
  /** Which agents each instance has begun to follow, by its log. */
  followed(): readonly ReadonlySet<string>[];
  /** SIGKILL for the instance that follows the most; tells whom it did. */
  killBusier(): Promise<ReadonlySet<string>>;
  /** Resolves once the instance that is left follows all of these; rejects after `withinMs`. */
  takenOver(agents: ReadonlySet<string>, withinMs: number): Promise<void>;
  /** What must be in nobody's log: the key of the store and the agents' tokens. */
  readonly secrets: readonly string[];
  /** All that either has written. */
  output(): string;
}

interface Instance {
  readonly process: PatchbayProcess;
  isDead: boolean;
}

const SCOPES = "sms:operate credentials:write webhooks:write";
const TOKEN_LIFETIME_S = 3_600;

/** `env`: the store, the contact centre, and what else is to be different. */
export async function startPair(env: Environment): Promise<Pair> {
  await using opened = new AsyncDisposableStack();
  const key = await createTestKey();
  const encryptionKey = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  const start = async (): Promise<Instance> => {
    const process = await startPatchbayProcess({
      UPSTREAM_AUTH: "vault",
      SUBSCRIBE: "on",
      JWT_ISSUER: TEST_ISSUER,
      JWT_AUDIENCE: TEST_AUDIENCE,
      JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
      ENCRYPTION_KEY: encryptionKey,
      EGRESS_ALLOW: "127.0.0.0/8",
      RATE_LIMIT_PER_AGENT: "off",
      LOG_LEVEL: "debug",
      ...env,
    });
    return { process: opened.use(process), isDead: false };
  };
  const instances = [await start(), await start()];
  const tokens = new Map<string, string>();
  const turns = new Map<string, number>();
  const all = opened.move();

  const living = () => instances.filter(({ isDead }) => !isDead);

  /** Agents begin with different instances. */
  function nextFor(agentId: string): Instance {
    const turn = turns.get(agentId) ?? turns.size;
    turns.set(agentId, turn + 1);
    const choice = living();
    const instance = choice[turn % choice.length];
    if (instance === undefined) throw new Error("Cannot ask anybody: both instances are dead");
    return instance;
  }

  async function tokenOf(agentId: string): Promise<string> {
    const token = tokens.get(agentId) ??
      await key.sign({ sub: agentId, scope: SCOPES }, { lifetimeS: TOKEN_LIFETIME_S });
    tokens.set(agentId, token);
    return token;
  }

  return {
    async ask(agentId, request) {
      const token = await tokenOf(agentId);
      const instance = nextFor(agentId);
      try {
        const { status, text } = await request(createClient(() => instance.process.url, token));
        if (status < 200 || status > 299) {
          throw new Error(`Cannot act for ${agentId}: ${status} ${text}`);
        }
      } catch (error) {
        if (!instance.isDead) throw error;
      }
    },
    followed: () => instances.map(({ process }) => followedBy(process.log.items)),
    async killBusier() {
      const [busier] = living()
        .map((instance) => ({ instance, agents: followedBy(instance.process.log.items) }))
        .sort((one, other) => other.agents.size - one.agents.size);
      if (busier === undefined) throw new Error("Cannot kill anybody: both instances are dead");
      busier.instance.isDead = true;
      await busier.instance.process.kill();
      return busier.agents;
    },
    async takenOver(agents, withinMs) {
      const [left] = living();
      if (left === undefined) throw new Error("Cannot wait for a take-over: nobody is left");
      const { log } = left.process;
      try {
        await log.until(
          "the take-over",
          (lines) => followedBy(lines).isSupersetOf(agents) || undefined,
          { timeoutMs: withinMs },
        );
      } catch {
        // What it was thrown with is the whole log.
        const missing = [...agents.difference(followedBy(log.items))].join(", ");
        throw new Error(`Cannot wait for a take-over: not within ${withinMs} ms of ${missing}`);
      }
    },
    get secrets() {
      return [encryptionKey, ...tokens.values()];
    },
    output: () =>
      instances
        .map(({ process: { log, stderr } }) => `${JSON.stringify(log.items)}\n${stderr}`)
        .join("\n"),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function followedBy(lines: readonly LogLine[]): Set<string> {
  return new Set(
    lines.filter(({ event }) => event === "subscriber.live").map(({ agentId }) => String(agentId)),
  );
}
