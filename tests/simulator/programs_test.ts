/** The simulators as programs: what they print, how they end, and what they say of a faulty command line. */
import assert from "node:assert/strict";
import { createInbox } from "../../simulator/kit/inbox.ts";
import { runToItsEnd, startListeningProgram, startProgram } from "../support/program_process.ts";

const PROGRAMS = ["contact_centre", "twilio", "webhook_consumer"] as const;

const mainOf = (program: string) => `simulator/${program}/main.ts`;

for (const program of PROGRAMS) {
  Deno.test(`${program} says where it listens, and stops on SIGTERM`, async () => {
    await using running = await startListeningProgram({
      main: mainOf(program),
      args: ["--port", "0"],
    });
    assert.match(running.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${running.url}/somewhere`);
    await response.body?.cancel();
    assert.ok(response.status >= 400, "an unauthenticated request is refused");
    assert.equal((await running.stop()).code, 0);
  });

  Deno.test(`${program} --help explains its flags`, async () => {
    const { code, stdout } = await runToItsEnd({ main: mainOf(program), args: ["--help"] });
    assert.equal(code, 0);
    assert.match(stdout, /--port N/);
  });
}

Deno.test("contact_centre says where CometD is, who may sign in and how it is controlled", async () => {
  const lines = createInbox<string>("line");
  await using program = startProgram({
    main: mainOf("contact_centre"),
    args: ["--port", "0", "--agent", "a:b", "--agent", "c"],
    onLine: lines.add,
  });
  const explanation =
    /CometD at (\S+)\/api\/v2\/notifications\nagent a, password b\nagent c, password \(empty\)\n[^]*POST \S+\/control\/restart\n/;
  const [, url = ""] = await lines.until(
    "the explanation",
    (all) => explanation.exec(`${all.join("\n")}\n`) ?? undefined,
  );
  const response = await fetch(`${url}/control`);
  assert.deepEqual((await response.json()).sessions, []);
  assert.equal((await program.stop()).code, 0);
});

const FAULTY: readonly (readonly [string, readonly string[], string])[] = [
  [
    "twilio",
    ["--port", "99999"],
    "Cannot use --port 99999: expected an integer from 0 to 65535\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--notify-url", "ftp://x"],
    "Cannot use --notify-url ftp://x: expected an http or https URL\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--session", "=1"],
    "Cannot use --session =1: expected ID or ID=PHONE\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--agent", ":secret"],
    "Cannot use --agent :secret: expected NAME or NAME:PASSWORD\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--cometd-path", "notifications"],
    "Cannot use --cometd-path notifications: expected a path such as /v2/notifications\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--cometd-timeout-ms", "soon"],
    "Cannot use --cometd-timeout-ms soon: expected milliseconds, an integer from 0\nTry --help\n",
  ],
  [
    "contact_centre",
    ["--handshake-refusal", "loud"],
    "Cannot use --handshake-refusal loud: expected http or bayeux\nTry --help\n",
  ],
  [
    "webhook_consumer",
    ["--status", "99"],
    "Cannot use --status 99: expected an integer from 200 to 599\nTry --help\n",
  ],
];

for (const [program, args, expected] of FAULTY) {
  Deno.test(`${program} ${args.join(" ")} ends with status 2 and says what was expected`, async () => {
    assert.deepEqual(await runToItsEnd({ main: mainOf(program), args }), {
      code: 2,
      stdout: "",
      stderr: expected,
    });
  });
}

Deno.test("an unknown flag ends with status 2", async () => {
  const { code, stderr } = await runToItsEnd({ main: mainOf("twilio"), args: ["--colour"] });
  assert.equal(code, 2);
  assert.match(stderr, /--colour/);
});
