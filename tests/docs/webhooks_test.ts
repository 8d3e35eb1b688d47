import assert from "node:assert/strict";
import { generateKeyPair, generateSecret } from "../../services/webhooks/secrets.ts";
import { createSigner } from "../../services/webhooks/sending/signing.ts";
import { systemClock } from "../../services/support/clock.ts";
import { VARIABLE_GROUPS } from "../../services/config/variables.ts";
import { EVENT_TYPES } from "../../services/events/event_types.ts";
import { startListeningProgram } from "../support/program_process.ts";

const doc = await Deno.readTextFile(new URL("../../docs/webhooks.md", import.meta.url));

/** The examples in a language, in their order. */
function examples(language: string): string[] {
  return [...doc.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, of]) => of === language)
    .map(([, , text = ""]) => text);
}

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const SECRET = generateSecret(randomBytes);
const BODY = '{"type":"session.messages_added","data":{"text":"Zoë 🛎️"}}';

interface Signed {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A request as Patchbay signs it now, or as long ago as the test says; signed twice, as during a rotation. */
async function signed(secret: string, { agoS = 0 } = {}): Promise<Signed> {
  const timestampS = Math.floor(systemClock.now() / 1_000) - agoS;
  const secrets = [generateSecret(randomBytes), secret];
  const bytes = new TextEncoder().encode(BODY);
  const signatures = await createSigner().signatures(secrets, "evt_01", timestampS, bytes);
  return {
    headers: {
      "webhook-id": "evt_01",
      "webhook-timestamp": String(timestampS),
      "webhook-signature": signatures,
    },
    body: BODY,
  };
}

/** Requests of every kind, and whether each is to be believed. */
async function cases(secret: string, wrongSecret: string): Promise<[Signed, boolean, string][]> {
  const good = await signed(secret);
  return [
    [good, true, "as it was sent"],
    [await signed(wrongSecret), false, "with another secret"],
    [{ ...good, body: BODY.replace("Zoë", "Zoe") }, false, "with another body"],
    [{ ...good, headers: { ...good.headers, "webhook-id": "evt_02" } }, false, "with another id"],
    [await signed(secret, { agoS: 600 }), false, "ten minutes old"],
  ];
}

async function inTempDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function importExample(text: string, dir: string): Promise<Record<string, unknown>> {
  await Deno.writeTextFile(`${dir}/example.ts`, text);
  return await import(`file://${dir}/example.ts`);
}

function answers(program: string, argument: string): boolean {
  try {
    return new Deno.Command(program, { args: [argument] }).outputSync().success;
  } catch {
    return false;
  }
}

/** What a program prints, and whether it ended well. */
async function run(program: string, args: string[], env: Record<string, string>) {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env }).output();
  const decoder = new TextDecoder();
  return { success, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Says where the example listens, which by itself it keeps to itself. */
const LISTENING = `
  import { server } from "./example.ts";
  const tell = () => console.log("listening on http://127.0.0.1:" + server.address().port);
  server.listening ? tell() : server.once("listening", tell);
`;

Deno.test("the example for Node answers 204 to what is ours and 401 to everything else", async () => {
  await inTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/example.ts`, examples("ts")[0] ?? "");
    await Deno.writeTextFile(`${dir}/main.js`, LISTENING);
    await using server = await startListeningProgram({
      main: `${dir}/main.js`,
      denoArgs: ["--config", new URL("../../deno.json", import.meta.url).pathname],
      env: { WEBHOOK_SECRET: SECRET, PORT: "0" },
    });
    for (
      const [{ headers, body }, good, what] of await cases(SECRET, generateSecret(randomBytes))
    ) {
      const answer = await fetch(server.url, { method: "POST", headers, body });
      await answer.body?.cancel();
      assert.equal(answer.status, good ? 204 : 401, what);
    }
  });
});

Deno.test("the example for v1a believes the key's own signatures alone", async () => {
  await inTempDir(async (dir) => {
    const { verifyV1a } = await importExample(examples("ts")[1] ?? "", dir) as {
      verifyV1a: (key: string, headers: Record<string, string>, body: string) => Promise<boolean>;
    };
    const { secret, publicKey } = await generateKeyPair(randomBytes);
    const wrong = await generateKeyPair(randomBytes);
    for (const [{ headers, body }, good, what] of await cases(secret, wrong.secret)) {
      assert.equal(await verifyV1a(publicKey, headers, body), good, what);
    }
  });
});

Deno.test({
  name: "the example for Python believes what is ours and fresh alone",
  ignore: !answers("python3", "--version"),
  async fn() {
    await inTempDir(async (dir) => {
      const [text] = examples("python");
      const call = "import json, sys\n" +
        "for case in json.load(open(sys.argv[1])):\n" +
        "    print(verify(case['secret'], case['headers'], case['body'].encode()))\n";
      await Deno.writeTextFile(`${dir}/example.py`, `${text}\n\n${call}`);
      const all = await cases(SECRET, generateSecret(randomBytes));
      const asked = all.map(([request]) => ({ ...request, secret: SECRET }));
      await Deno.writeTextFile(`${dir}/cases.json`, JSON.stringify(asked));
      const { said } = await run("python3", [`${dir}/example.py`, `${dir}/cases.json`], {});
      const expected = all.map(([, good]) => good ? "True" : "False");
      assert.deepEqual(said.trim().split("\n"), expected);
    });
  },
});

Deno.test({
  name: "the example for the shell tells whether a signature fits",
  ignore: !answers("openssl", "version"),
  async fn() {
    await inTempDir(async (dir) => {
      const [text] = examples("sh");
      await Deno.writeTextFile(`${dir}/example.sh`, `cd "$DIR"\n${text}`);
      // It is for looking at a request at leisure, so it does not ask how old that is.
      const all = (await cases(SECRET, generateSecret(randomBytes))).slice(0, 4);
      for (const [{ headers, body }, good, what] of all) {
        await Deno.writeTextFile(`${dir}/body.json`, body);
        const { success, said } = await run("sh", [`${dir}/example.sh`], {
          DIR: dir,
          SECRET,
          ID: headers["webhook-id"] ?? "",
          TIMESTAMP: headers["webhook-timestamp"] ?? "",
          SIGNATURE: headers["webhook-signature"] ?? "",
        });
        assert.equal(success, good, `${what}: ${said}`);
      }
    });
  },
});

const UNITS_S: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600 };

/** `2 h 42 min 35 s`, or `–`, in seconds. */
function secondsOf(text: string): number {
  return [...text.matchAll(/(\d+) (s|min|h)\b/g)]
    .reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_S[unit ?? ""] ?? NaN), 0);
}

Deno.test("the table of retries has the default waits, and adds them up rightly", () => {
  const rows = [...doc.matchAll(/^\| (\d+) +\| ([^|]+)\| ([^|]+)\|$/gm)];
  const waits = rows.map(([, , wait = ""]) => secondsOf(wait));
  const variable = VARIABLE_GROUPS.flatMap(({ variables }) => [...variables])
    .find(({ name }) => name === "WEBHOOK_RETRY_S");
  assert.ok(variable !== undefined && "defaultText" in variable);
  assert.deepEqual(waits, [0, ...variable.defaultText.split(",").map(Number)]);
  let sinceFirst = 0;
  for (const [, attempt, wait = "", since = ""] of rows) {
    sinceFirst += secondsOf(wait);
    assert.equal(secondsOf(since), sinceFirst, `attempt ${attempt}`);
  }
});

Deno.test("the page names only event types that there are", () => {
  const known = new Set<string>(EVENT_TYPES);
  const named = doc.matchAll(/[`"]((?:session|sms|customer|webhook|delivery)\.[a-z_]+)[`"]/g);
  for (const [, type = ""] of named) assert.ok(known.has(type), `unknown: ${type}`);
});
