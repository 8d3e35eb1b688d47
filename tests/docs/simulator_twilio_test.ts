import assert from "node:assert/strict";
import { startHookServer } from "../simulator/twilio/hook_server.ts";
import { controlRoutes } from "../../simulator/twilio/control_routes.ts";
import { HELP, readFlags } from "../../simulator/twilio/flags.ts";
import { magicFrom, magicTo } from "../../simulator/twilio/magic_numbers.ts";
import { startTwilio } from "../../simulator/twilio/server.ts";

const GUIDE = await Deno.readTextFile(new URL("../../docs/simulator_twilio.md", import.meta.url));
const hasCurl = await isInstalled("curl");

async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "the guide's curl examples work, one after the other",
  ignore: !hasCurl,
  async fn() {
    await using hooks = startHookServer(() => new Response("<Response/>"));
    await using twilio = await startTwilio({ control: true, inboundUrl: hooks.url });
    const [, block = ""] = /```sh\n(.*?)```/s.exec(GUIDE) ?? [];
    const script = 'set -eu\ncurl() { command curl -sS --fail-with-body "$@"; echo; }\n' +
      block.replace("http://127.0.0.1:8091", twilio.url);
    const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script] })
      .output();
    const said = new TextDecoder().decode(stdout);
    assert.ok(success, said + new TextDecoder().decode(stderr));
    assert.match(said, /"why":"opt-out"/);
    const texts = hooks.requests.items.map(({ fields }) => fields["Body"]);
    assert.deepEqual(texts, ["Where is my parcel?", "STOP"]);
  },
});

Deno.test("the guide's table of control routes has each route that there is, and no other", async () => {
  await using twilio = await startTwilio();
  const there = controlRoutes(twilio).routes
    .filter(({ method }) => method === "POST")
    .map(({ path }) => path);
  const told = [...GUIDE.matchAll(/^\| `\/control(\/[^`]+)`/gm)].map(([, path]) => path);
  assert.deepEqual(told.toSorted(), there.toSorted());
});

Deno.test("the guide names the flags that there are, and no other", () => {
  const flagsIn = (text: string) =>
    new Set([...text.matchAll(/--(?!help)[a-z]+(?:-[a-z]+)*/g)].map(([flag]) => flag));
  assert.deepEqual([...flagsIn(GUIDE)].toSorted(), [...flagsIn(HELP)].toSorted());
  const [, command = ""] = /^ {4}deno run -A simulator\/twilio\/main\.ts (.*?)\n\n/ms
    .exec(GUIDE) ?? [];
  const options = readFlags(command.split(/\s+/).filter((word) => word !== "\\"));
  assert.deepEqual(options?.reach, { "https://edge.example": "http://127.0.0.1:8000" });
});

Deno.test("the guide's magic numbers mean what it says", () => {
  const rows = [...GUIDE.matchAll(/^\| `(\+1500555\d{4})` *\| *(\d*) *\| *([\d]*)/gm)];
  assert.ok(rows.length >= 8);
  for (const [, number = "", to = "", from = ""] of rows) {
    assert.equal(magicTo(number)?.[0] ?? "", to && Number(to), `To ${number}`);
    assert.equal(magicFrom(number)?.[0] ?? "", from && Number(from), `From ${number}`);
  }
});
