import assert from "node:assert/strict";
import { startUpstashEndpoint, type UpstashEndpoint } from "../../simulator/upstash/endpoint.ts";
import { startLocalPatchbay } from "../support/local_patchbay.ts";
import { redisEnv, startPatchbayForLoad } from "../support/patchbay_for_load.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";
import { startConsumers } from "./consumers.ts";
import { notificationText, sessionOf } from "../support/numbered_notifications.ts";

/** What the store may be asked, so that a database that is paid by the command stays affordable (DESIGN §9). */
const MOST_PER_EVENT = 6;
const MOST_PER_IDLE_MINUTE = 2;

const WITHIN_MS = 10_000;
const SETTLING_IN_MS = 5_000;

interface RedisOptions {
  readonly redisUrl: string;
}

/** Counts the commands that events cost which come one at a time, each once the one before was delivered. */
export async function soakCommandsPerEvent(
  { redisUrl, events }: RedisOptions & { readonly events: number },
): Promise<string> {
  await using endpoint = await startUpstashEndpoint({ redisUrl, token: "soak" });
  await using consumers = await startConsumers();
  const { url, ledger } = consumers.add("one-at-a-time");
  await using patchbay = await startPatchbayForLoad({ env: upstashEnv(endpoint) });
  await patchbay.manage("POST", "/v1/webhooks", { url });

  const before = endpoint.requests.items.length;
  for (let mark = 0; mark < events; mark++) {
    await patchbay.ingest(notificationText(mark, sessionOf(mark, events)));
    await ledger.until(mark + 1, WITHIN_MS);
  }
  await patchbay.stop();
  const perEvent = (endpoint.requests.items.length - before) / events;
  assert.ok(perEvent <= MOST_PER_EVENT, `${perEvent} store commands per event`);
  return `${perEvent.toFixed(2)} store commands per delivered event`;
}

/** Counts the commands of an idle Patchbay over minutes of a clock that is moved by hand. */
export async function soakIdleByVirtualClock(
  { redisUrl, minutes }: RedisOptions & { readonly minutes: number },
): Promise<string> {
  await using endpoint = await startUpstashEndpoint({ redisUrl, token: "soak" });
  const clock = createVirtualClock();
  await using patchbay = await startLocalPatchbay(upstashEnv(endpoint), { clock });
  await clock.whenArmed();
  const before = endpoint.requests.items.length;
  for (let second = 0; second < 60 * minutes; second++) {
    const armed = clock.pending();
    clock.advance(1_000);
    // What went off asks the store something, and is armed again once it has its answer.
    await clock.whenArmed(armed);
  }
  await patchbay.drain();
  const commands = endpoint.requests.items.length - before;
  assert.ok(commands >= minutes, "it was not seen to sweep: nothing was measured");
  return judgeIdle(commands, minutes);
}

/** The same over real time. */
export async function soakIdle(
  { redisUrl, minutes }: RedisOptions & { readonly minutes: number },
): Promise<string> {
  await using endpoint = await startUpstashEndpoint({ redisUrl, token: "soak" });
  await using _patchbay = await startPatchbayForLoad({ env: upstashEnv(endpoint) });
  // What it asks when it starts is no part of being idle.
  await pause(SETTLING_IN_MS);
  const before = endpoint.requests.items.length;
  await pause(minutes * 60_000);
  return judgeIdle(endpoint.requests.items.length - before, minutes);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function judgeIdle(commands: number, minutes: number): string {
  const most = MOST_PER_IDLE_MINUTE * minutes;
  assert.ok(commands <= most, `${commands} store commands in ${minutes} idle minutes`);
  return `${commands} store commands in ${minutes} idle minutes`;
}

function upstashEnv({ url, token }: UpstashEndpoint): Record<string, string> {
  const { ENCRYPTION_KEY = "" } = redisEnv("");
  return { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ENCRYPTION_KEY };
}
