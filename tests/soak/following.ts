import assert from "node:assert/strict";
import { indexesTold } from "../black_box/following.ts";
import { startWebhookConsumer, type WebhookConsumer } from "../black_box/webhook_consumer.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { type Pair, startPair } from "./pair.ts";

export interface FollowingOptions {
  readonly redisUrl: string;
  readonly agents: number;
  /** In each round every customer writes once and every agent answers once. So many come before the kill, and after the take-over. */
  readonly rounds: number;
  /** From round to round. */
  readonly everyMs: number;
}

/** An agent, and the one session that it is in. */
interface Seat {
  readonly agentId: string;
  readonly password: string;
  readonly sessionId: string;
}

/** Everything that is there while it goes on. */
interface Scene {
  readonly seats: readonly Seat[];
  readonly centre: ContactCentre;
  readonly consumer: WebhookConsumer;
  readonly ledger: Ledger;
  readonly pair: Pair;
}

const TIMEOUT_MS = 1_000;
/** DESIGN §9. */
const LEASE_MS = TIMEOUT_MS + 15_000;
/** As long as it may take until an instance that has died is noticed and its agents are followed again. */
const TAKEN_OVER_WITHIN_MS = 30_000;
const LISTENING_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** How long the consumer has each call, so that the kill finds some on their way. */
const HOLD_MS = 50;
/** Of one webhook: what one instance may have on its way, and as much again that has ended and is not written down. */
const AT_RISK = 20;
const PHONE = "+12025550123";
const TEXT = "strictly confidential";

/**
 * Customers write and agents answer all the time while two instances follow them; one is killed and the other takes its agents
 * over. Each message comes to the webhook as one event, in order, however Patchbay has learnt of it. Throws where it is not
 * so; says what it saw.
 */
export async function soakFollowing(options: FollowingOptions): Promise<string> {
  const seats = Array.from({ length: options.agents }, (_, at) => seatNumber(at + 1));
  await using centre = await startContactCentre({ csrf: true, agents: seats });
  await using consumer = await startWebhookConsumer();
  const ledger = keepLedger(consumer);
  await using pair = await startPair({
    REDIS_URL: options.redisUrl,
    UPSTREAM_URL: centre.url,
    WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
  });
  const scene: Scene = { seats, centre, consumer, ledger, pair };
  await pair.ask("admin", ({ post }) => post("/v1/webhooks", { url: consumer.url }));
  for (const seat of seats) await sitDown(seat, scene);
  await talk(scene, options);

  const shares = pair.followed().map(({ size }) => size);
  const orphans = await killInTheMiddle(scene, options.everyMs);
  const killedAtMs = performance.now();
  const sinceKillMs = () => performance.now() - killedAtMs;
  await talkUntil(pair.takenOver(orphans, TAKEN_OVER_WITHIN_MS), scene, options.everyMs);
  const takenOverMs = sinceKillMs();
  await untilAllTold(scene, TAKEN_OVER_WITHIN_MS + LEASE_MS - takenOverMs);
  const caughtUpMs = sinceKillMs();
  await talk(scene, options);
  await untilAllTold(scene, LEASE_MS);

  const messages = judge(scene);
  assert.ok(Math.min(...shares) > 0, `one followed nobody: ${shares.join(" and ")} agents`);
  return `${messages} messages of ${seats.length} agents, followed by two instances (${
    shares.join(" and ")
  }); one killed, its ${orphans.size} agents taken over after ${
    seconds(takenOverMs)
  }, all that was missed told after ${
    seconds(caughtUpMs)
  }; every message once and in order, ${ledger.repeats.length} deliveries came twice`;
}

function seatNumber(number: number): Seat {
  return {
    agentId: `agent-${number}`,
    password: `password-of-${number}`,
    sessionId: `S${String(number).padStart(15, "0")}`,
  };
}

/** What comes is judged as it comes. */
function keepLedger(consumer: WebhookConsumer): Ledger {
  const ledger = createLedger("following");
  consumer.answer(async ({ webhookId, event: { data: { sessionId, sequence } } }) => {
    // One of no session is in no order.
    if (sessionId === null || sequence === null) return new Response(null, { status: 204 });
    const { end } = ledger.begin({ id: webhookId, sessionId, sequence });
    await pause(HOLD_MS);
    end(true);
    return new Response(null, { status: 204 });
  });
  return ledger;
}

async function sitDown(
  { agentId, password, sessionId }: Seat,
  { pair, centre }: Scene,
): Promise<void> {
  const credentials = { username: agentId, password };
  await pair.ask(agentId, ({ put }) => put("/v1/agents/me/credentials", credentials));
  await pair.ask(agentId, ({ post }) =>
    post("/api/v2/me", {
      operationName: "StartContactCenterSession",
      channels: ["smssession"],
    }));
  await centre.cometd.happenings.waitFor(
    (happening) => happening.kind === "listening" && happening.agentId === agentId,
    { timeoutMs: LISTENING_WITHIN_MS },
  );
  centre.addSession({ id: sessionId, customer: { nickname: "Ann", phone: PHONE }, agentId });
  await pair.ask(agentId, ({ accept }) => accept(sessionId));
}

async function talk(
  scene: Scene,
  { rounds, everyMs }: Pick<FollowingOptions, "rounds" | "everyMs">,
): Promise<void> {
  for (let round = 0; round < rounds; round++) await talkOnce(scene, everyMs);
}

async function talkOnce({ seats, centre, pair }: Scene, everyMs: number): Promise<void> {
  const answers = seats.map(({ agentId, sessionId }) => {
    centre.customerTexts(sessionId, TEXT);
    return pair.ask(
      agentId,
      ({ operate }) => operate(sessionId, "SendMessage", { text: TEXT }),
    );
  });
  await Promise.all([pause(everyMs), ...answers]);
}

/** At a moment at which deliveries are on their way and agents wait for answers. */
async function killInTheMiddle(scene: Scene, everyMs: number): Promise<ReadonlySet<string>> {
  const { seats, consumer, pair } = scene;
  const before = consumer.attempts.items.length;
  const talking = talkOnce(scene, everyMs);
  const kill = consumer.attempts
    .until("half of a round", ({ length }) => length >= before + seats.length / 2 || undefined)
    .then(() => pair.killBusier());
  const [orphans] = await Promise.all([kill, talking]);
  return orphans;
}

async function talkUntil(settled: Promise<void>, scene: Scene, everyMs: number): Promise<void> {
  let isSettled = false;
  const settling = settled.finally(() => isSettled = true);
  // It is awaited below; until then it must not count as unhandled.
  settling.catch(() => {});
  while (!isSettled) await talkOnce(scene, everyMs);
  await settling;
}

/** Waits until the consumer has been told of as many messages as there are by now; which ones, is for {@link judge}. */
async function untilAllTold({ seats, centre, consumer }: Scene, withinMs: number): Promise<void> {
  const giveUpAtMs = performance.now() + withinMs;
  const wanted = seats.map(({ sessionId }) => indexesSaid(centre, sessionId).length);
  const missing = () =>
    seats.filter(({ sessionId }, at) =>
      indexesTold(consumer, sessionId).length < (wanted[at] ?? 0)
    );
  while (missing().length > 0) {
    if (performance.now() > giveUpAtMs) {
      const names = missing().map(({ sessionId }) => sessionId).join(", ");
      throw new Error(`Cannot wait any longer: messages of ${names} are missing`);
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** How many messages there were. */
function judge({ seats, centre, consumer, ledger, pair }: Scene): number {
  const said = seats.map(({ sessionId }) => indexesSaid(centre, sessionId));
  for (const [at, { sessionId }] of seats.entries()) {
    assert.deepEqual(indexesTold(consumer, sessionId), said[at], sessionId);
  }
  assert.deepEqual(ledger.faults, []);
  assert.equal(new Set(ledger.repeats).size, ledger.repeats.length, "an event came three times");
  assert.ok(ledger.repeats.length <= AT_RISK, `${ledger.repeats.length} events came twice`);
  const texts = Map.groupBy(consumer.attempts.items, ({ webhookId }) => webhookId);
  for (const [id, attempts] of texts) {
    assert.equal(new Set(attempts.map(({ text }) => text)).size, 1, `${id} came in two versions`);
  }
  const output = pair.output();
  for (const secret of secretsOf(seats, centre, pair)) {
    assert.ok(!output.includes(secret), `a log holds ${secret}`);
  }
  return said.flat().length;
}

function indexesSaid({ sessions }: ContactCentre, sessionId: string): readonly number[] {
  const { messages = [] } = sessions.find(({ id }) => id === sessionId) ?? {};
  return messages.map(({ index }) => index);
}

/** What was said and what proves who one is, the cookies and CSRF tokens of the contact centre among it. */
function secretsOf(seats: readonly Seat[], centre: ContactCentre, pair: Pair): Set<string> {
  const shown = centre.requests.items.flatMap(({ headers }) => [
    ...(headers.get("authorization")?.split(" ").slice(1) ?? []),
    ...(headers.get("cookie")?.split("; ").map((cookie) => cookie.replace(/^[^=]*=/, "")) ?? []),
    headers.get("x-csrf-token") ?? "",
  ]);
  const all = [TEXT, PHONE.slice(1), ...seats.map(({ password }) => password), ...pair.secrets];
  return new Set([...all, ...shown].filter((secret) => secret !== ""));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
