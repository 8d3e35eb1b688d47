/** What the stories of lost answers do again and again. */
import assert from "node:assert/strict";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { all, toOperate } from "../../simulator/contact_centre/fault_presets.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import type { Fault, PlannedFault } from "../../simulator/kit/faults.ts";
import type { Environment } from "../support/patchbay_process.ts";
import type { Answer, Client } from "./client.ts";
import { readSession } from "./shapes.ts";
import { openSqliteFile } from "./stores.ts";
import { startWorld, type World } from "./world.ts";

/** What is made true or false of both. */
export type Telling = (world: World, centre: ContactCentre) => Promise<void>;

const UPSTREAM_TIMEOUT_MS = 1_000;
/** A late answer: after the deadline, though not by much. */
export const LATE: Fault = { kind: "delay", ms: 1_500 };
/** It is looked at upstream after a second, and then after twice as long each. */
export const BY_ITSELF_MS = 15_000;

/** Each sentence with a Patchbay and a simulated contact centre of its own. */
export async function tellAll(
  t: Deno.TestContext,
  sentences: Readonly<Record<string, Telling>>,
  env: Environment = {},
): Promise<void> {
  for (const [says, tell] of Object.entries(sentences)) {
    await t.step(says, async () => {
      await using store = await openSqliteFile();
      await using centre = await startContactCentre();
      await using world = await startWorld(store, {
        UPSTREAM_URL: centre.url,
        UPSTREAM_TIMEOUT_MS: String(UPSTREAM_TIMEOUT_MS),
        ...env,
      });
      await tell(world, centre);
    });
  }
}

/** A session that any agent may accept. */
export function offered(centre: ContactCentre): string {
  return centre.addSession({ customer: { nickname: "Customer" } }).id;
}

/** A session that agent-1 has accepted. */
export async function accepted(
  world: World,
  centre: ContactCentre,
): Promise<{ readonly session: string; readonly holder: Client }> {
  const session = offered(centre);
  const holder = await world.agent("agent-1");
  assertDone(await holder.accept(session));
  return { session, holder };
}

/** The next such operation is done, and its answer gets lost. */
export function lose(
  centre: ContactCentre,
  fault: Fault,
  operation: string,
  session: string,
): PlannedFault {
  return centre.faults.next(fault, {
    matching: toOperate(operation, session),
    when: "after-acting",
  });
}

/** Nobody can read sessions any more, or not so many times. */
export function blind(centre: ContactCentre, times = 50): void {
  const reads = all(({ method }) => method === "GET", ({ path }) => path.includes("smssessions"));
  for (let n = 0; n < times; n++) centre.faults.next("html", { matching: reads });
}

export function assertDone(answer: Answer, message?: string): void {
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
  assert.equal(Object(answer.json()).statusCode, 0, message);
}

export async function holderOf(world: World, session: string): Promise<string | null> {
  const answer = await world.admin.get(`/v1/sessions/${session}`);
  return answer.status === 404 ? null : readSession(answer.json()).agentId;
}

export async function holderWillBe(
  world: World,
  session: string,
  wanted: string,
): Promise<string | null> {
  await until(`${wanted} holds it`, async () => await holderOf(world, session) === wanted);
  return await holderOf(world, session);
}

export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!await isTrue()) {
    if (performance.now() - startedMs > BY_ITSELF_MS) throw new Error(`Cannot wait until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
