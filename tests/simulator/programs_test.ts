import assert from "node:assert/strict";

const PROGRAMS = ["contact_centre", "twilio", "webhook_consumer"] as const;

function command(program: string, args: readonly string[]): Deno.Command {
  const main = new URL(`../../simulator/${program}/main.ts`, import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", main, ...args],
    stdout: "piped",
    stderr: "piped",
  });
}

async function output(program: string, args: readonly string[]) {
  const { code, stdout, stderr } = await command(program, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Reads until `pattern` matches; fails when the program ends before. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  for (let text = "";;) {
    const { done, value = "" } = await reader.read();
    text += value;
    const found = pattern.exec(text);
    if (found !== null) return found;
    if (done) assert.fail(`the program ended after printing ${JSON.stringify(text)}`);
  }
}

for (const program of PROGRAMS) {
  Deno.test(`${program} says where it listens, and stops on SIGTERM`, async () => {
    const child = command(program, ["--port", "0"]).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const [, url = ""] = await readUntil(reader, /listening on (http:\/\/127\.0\.0\.1:\d+)\n/);
    const response = await fetch(`${url}/somewhere`);
    await response.body?.cancel();
    assert.ok(response.status >= 400, "an unauthenticated request is refused");
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 0);
    await Promise.all([reader.cancel(), child.stderr.cancel()]);
  });

  Deno.test(`${program} --help explains its flags`, async () => {
    const { code, stdout } = await output(program, ["--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /--port N/);
  });
}

Deno.test("contact_centre says where CometD is, who may sign in and how it is controlled", async () => {
  const child = command("contact_centre", ["--port", "0", "--agent", "a:b", "--agent", "c"])
    .spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const [, url = ""] = await readUntil(
    reader,
    /CometD at (\S+)\/api\/v2\/notifications\nagent a, password b\nagent c, password \(empty\)\n[^]*POST \S+\/control\/restart\n/,
  );
  const response = await fetch(`${url}/control`);
  assert.deepEqual((await response.json()).sessions, []);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
  await Promise.all([reader.cancel(), child.stderr.cancel()]);
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
    assert.deepEqual(await output(program, args), { code: 2, stdout: "", stderr: expected });
  });
}

Deno.test("an unknown flag ends with status 2", async () => {
  const { code, stderr } = await output("twilio", ["--colour"]);
  assert.equal(code, 2);
  assert.match(stderr, /--colour/);
});
