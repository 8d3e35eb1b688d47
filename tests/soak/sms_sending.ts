import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../services/support/clock.ts";
import { startTwilio } from "../../simulator/twilio/server.ts";
import type { Twilio } from "../../simulator/twilio/twilio.ts";
import { clientOf, type PatchbayClient } from "../support/patchbay_for_load.ts";
import { seededRandom } from "../../simulator/kit/seeded_random.ts";
import { startMortalPatchbay } from "./mortal_patchbay.ts";
import { settledTexts } from "./text_deliveries.ts";
import { judgeTexts, type ShownDelivery } from "./text_ledger.ts";
import { phoneOf, saidTexts, sessionId, textBatches, type TextLoad } from "./texts.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";

export interface SmsSendingOptions extends TextLoad {
  /** The store, as Patchbay's environment names it. */
  readonly storeEnv: Readonly<Record<string, string>>;
  /** SIGKILL comes once in so many texts. */
  readonly killEvery: number;
  /** Decides which requests fail, and when the kills come. */
  readonly seed: number;
  /** `WEBHOOK_RETRY_S`: look-ups take their waits from it. */
  readonly retryS: string;
  readonly heir: TextHeir;
  readonly withinMs: number;
}

/**
 * Who takes over what the last one killed had under a lease. `survivor`: one more process, which waits until it has run out.
 * `later`: one within this process, for which so much time has passed that it has; for Twilio it has passed as well.
 */
export type TextHeir =
  | { readonly kind: "survivor" }
  | {
    readonly kind: "later";
    readonly start: (
      env: Readonly<Record<string, string>>,
      aheadMs: number,
    ) => Promise<{ readonly url: string } & AsyncDisposable>;
  };

const PUBLIC_URL = "https://edge.example";
const OUR_NUMBER = "+15005550006";
const TIMEOUT_MS = 1_000;
/** DESIGN §9. */
const LEASE_MS = TIMEOUT_MS + 15_000;
/** One in ten: as many timeouts, 5xx and 429. Half of what can have been sent was. */
const FAULT_RATES = {
  rateLimited: 0.034,
  serverError: 0.0165,
  serverErrorSent: 0.0165,
  timeout: 0.011,
  timeoutSent: 0.011,
  reset: 0.0055,
  resetSent: 0.0055,
};
const LEAST_DELIVERED = 0.9;

/**
 * Agents write to many customers while Twilio fails one request in ten and Patchbay is killed again and again: each text is
 * at Twilio at most once, in order within its session, and each that is missing is `unknown` or `dead` with a reason. Throws
 * where it is not so; says what it saw.
 */
export async function soakSmsSending(options: SmsSendingOptions): Promise<string> {
  const random = seededRandom(options.seed);
  await using centre = await startContactCentre({ acceptsAny: true });
  const passed = { ms: 0 };
  await using twilio = await startTwilio({
    clock: laterBy(passed),
    random: seededRandom(options.seed + 1),
    faultRates: FAULT_RATES,
    walk: { doubled: 0.1, dropped: 0.3, shuffled: true },
  });
  const env = environment(options, twilio, centre.url);
  await using patchbay = await startMortalPatchbay({
    env,
    onAddress: (url) => twilio.configure({ reach: { [PUBLIC_URL]: url } }),
  });
  await openSessions(patchbay, options);

  const startedAtMs = performance.now();
  let kills = 0;
  for (let first = 0; first < options.texts; first += options.killEvery) {
    const until = Math.min(options.texts, first + options.killEvery);
    const kill = async () => {
      const size = until - first;
      await reached(
        twilio,
        sendsBefore + Math.ceil(size * (0.2 + 0.6 * random())),
        options.withinMs,
      );
      await patchbay.kill();
    };
    const sendsBefore = countSends(twilio);
    kills++;
    if (until === options.texts && options.heir.kind === "later") {
      // Nobody would be there to take what is handed in after the kill.
      await hand(patchbay, options, first, until);
      await kill();
    } else {
      await Promise.all([hand(patchbay, options, first, until), kill().then(patchbay.rise)]);
    }
  }
  const deliveries = options.heir.kind === "survivor"
    ? await settledTexts(patchbay, LEASE_MS + options.withinMs)
    : await settleLater(options.heir, env, options.withinMs, passed, twilio);
  return judge(options, twilio, deliveries, {
    kills,
    seconds: (performance.now() - startedAtMs) / 1_000,
  });
}

function environment(
  { storeEnv, retryS }: SmsSendingOptions,
  { accountSid, authToken, url }: Twilio,
  upstreamUrl: string,
): Record<string, string> {
  return {
    ...storeEnv,
    UPSTREAM_URL: upstreamUrl,
    PUBLIC_URL,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
    TWILIO_API_URL: url,
    TWILIO_FROM: OUR_NUMBER,
    SMS_RATE_LIMIT: "off",
    WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
    WEBHOOK_RETRY_S: retryS,
  };
}

async function openSessions({ manage }: PatchbayClient, { sessions }: TextLoad): Promise<void> {
  for (let number = 0; number < sessions; number++) {
    const id = sessionId(number);
    await manage("POST", `/api/v2/me/smssessions/${id}`, {
      operationName: "Accept",
      nickname: "Marat",
    });
    await manage("PUT", `/v1/sessions/${id}/customer`, { phone: phoneOf(number) });
  }
}

async function hand(
  { ingest }: PatchbayClient,
  load: TextLoad,
  first: number,
  until: number,
): Promise<void> {
  for (const body of textBatches(saidTexts(load, first, until), Date.now())) await ingest(body);
}

function countSends({ requests }: Twilio): number {
  return requests.items.filter(({ method }) => method === "POST").length;
}

async function reached(twilio: Twilio, sends: number, timeoutMs: number): Promise<void> {
  await twilio.requests.waitFor(() => countSends(twilio) >= sends, { timeoutMs });
}

/** The system's clock, ahead by what has been pretended to have passed. */
function laterBy(passed: { readonly ms: number }): Clock {
  return { ...systemClock, now: () => systemClock.now() + passed.ms };
}

async function settleLater(
  heir: Extract<TextHeir, { kind: "later" }>,
  env: Readonly<Record<string, string>>,
  withinMs: number,
  passed: { ms: number },
  twilio: Twilio,
): Promise<readonly ShownDelivery[]> {
  passed.ms = LEASE_MS;
  await using last = await heir.start(env, LEASE_MS);
  twilio.configure({ reach: { [PUBLIC_URL]: last.url } });
  return await settledTexts(await clientOf(last.url), withinMs);
}

function judge(
  options: SmsSendingOptions,
  twilio: Twilio,
  deliveries: readonly ShownDelivery[],
  { kills, seconds }: { readonly kills: number; readonly seconds: number },
): string {
  const sessions = new Map(
    Array.from({ length: options.sessions }, (_, n) => [phoneOf(n), sessionId(n)]),
  );
  const said = saidTexts(options, 0, options.texts);
  const taken = twilio.messages.map(({ to, body }) => ({
    sessionId: sessions.get(to) ?? to,
    body,
  }));
  const { faults, delivered, unknown, dead } = judgeTexts({ said, taken, deliveries });
  assert.deepEqual(faults, []);
  assert.equal(deliveries.length, options.texts);
  assert.ok(delivered > LEAST_DELIVERED * options.texts, `only ${delivered} were delivered`);
  const sends = countSends(twilio);
  return `${options.texts} texts over ${options.sessions} sessions in ${seconds.toFixed(1)} s, ` +
    `${kills} kills, ${sends} requests, one in ten failed: ${taken.length} at Twilio, none twice, all in order; ` +
    `${delivered} delivered, ${unknown} unknown, ${dead} dead`;
}
