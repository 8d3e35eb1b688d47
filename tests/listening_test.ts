import assert from "node:assert/strict";
import { patchbayEnv } from "./support/patchbay_for_load.ts";
import { type PatchbayProcess, startPatchbayProcess } from "./support/patchbay_process.ts";
import { startContactCentre } from "../simulator/contact_centre/server.ts";
import { createTestKey, TEST_AGENT } from "../simulator/kit/tokens.ts";

/** A Patchbay has some 30 files open before anybody connects. */
const MOST_OPEN_FILES = 150;
const STRANGERS = 2 * MOST_OPEN_FILES;

const canBound = await new Deno.Command("prlimit", { args: ["--version"], stdout: "null" })
  .output().then(({ success }) => success, () => false);

/** More connections than there is room for; none says a word. Each is told of when it is over. */
async function openTooMany(url: string): Promise<readonly Promise<void>[]> {
  const port = Number(new URL(url).port);
  const over: Promise<void>[] = [];
  for (let at = 0; at < STRANGERS; at++) {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      over.push(
        connection.read(new Uint8Array(1)).then(() => {}, () => {}).finally(() =>
          connection.close()
        ),
      );
    } catch {
      break; // Nobody listens for the moment.
    }
  }
  return over;
}

/** What the contact centre tells the agent of itself. */
async function assertAnswered(answer: Response): Promise<void> {
  const { statusCode, user } = await answer.json();
  assert.deepEqual([statusCode, user.userName], [0, TEST_AGENT]);
}

async function withBoundedPatchbay(
  program: "main.ts" | "serve.ts",
  run: (world: {
    readonly patchbay: PatchbayProcess;
    /** Asks the contact centre, which has to be let go before it answers. */
    ask(): Promise<Response>;
    readonly asked: Promise<unknown>;
    letGo(): void;
  }) => Promise<void>,
): Promise<void> {
  const key = await createTestKey();
  await using centre = await startContactCentre();
  const held = centre.faults.next("hold");
  await using patchbay = await startPatchbayProcess({
    ...await patchbayEnv(0),
    UPSTREAM_URL: centre.url,
    JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
    SQLITE_PATH: ":memory:",
    LOG_LEVEL: "info",
    DENO_JOBS: "1",
  }, { program, launcher: ["prlimit", `--nofile=${MOST_OPEN_FILES}:${MOST_OPEN_FILES}`] });
  const authorization = `Bearer ${await key.sign({ scope: "sms:operate" })}`;
  const ask = () => fetch(`${patchbay.url}/api/v2/me`, { headers: { authorization } });
  await run({ patchbay, ask, asked: held.reached, letGo: held.release });
}

Deno.test({
  name: "whoever opens more connections than there is room for loses them, and Patchbay lives on",
  ignore: !canBound,
  fn: () =>
    withBoundedPatchbay("main.ts", async ({ patchbay, ask, asked, letGo }) => {
      const answer = ask();
      await asked;
      const over = await openTooMany(patchbay.url);
      await patchbay.logged("patchbay.not_accepting");
      // What was under way is answered before the connections are closed.
      letGo();
      await assertAnswered(await answer);
      await patchbay.logged("patchbay.listening_again");
      await Promise.all(over);

      const health = await fetch(`${patchbay.url}/healthz`);
      assert.deepEqual(await health.json(), { status: "up" });
      assert.equal(await patchbay.stop(), 0);
    }),
});

Deno.test({
  name:
    "under deno serve it answers what is under way and ends, for its supervisor to start it anew",
  ignore: !canBound,
  fn: () =>
    withBoundedPatchbay("serve.ts", async ({ patchbay, ask, asked, letGo }) => {
      const answer = ask();
      await asked;
      const over = await openTooMany(patchbay.url);
      await patchbay.logged("patchbay.not_accepting");
      letGo();
      await assertAnswered(await answer);
      assert.equal(await patchbay.exited, 69);
      await patchbay.logged("patchbay.stopped");
      await Promise.all(over);
    }),
});
