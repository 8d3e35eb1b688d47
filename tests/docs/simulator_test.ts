import assert from "node:assert/strict";
import { controlRoutes } from "../../simulator/contact_centre/control_routes.ts";
import { readFlags } from "../../simulator/contact_centre/flags.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";

const GUIDE = await Deno.readTextFile(new URL("../../docs/simulator.md", import.meta.url));
const hasCurl = await isInstalled("curl");

async function isInstalled(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args: ["--version"] }).output();
    return success;
  } catch {
    return false;
  }
}

/** The guide's shell blocks as one script, in which every request has to succeed. */
function scriptFor(url: string): string {
  const blocks = [...GUIDE.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block);
  assert.ok(blocks.length >= 4, "the guide has its examples");
  const script = blocks.join("\n").replace("http://127.0.0.1:8090", url);
  return `set -eu\ncurl() { command curl --silent --show-error --fail-with-body "$@"; echo; }\n${script}`;
}

Deno.test({
  name: "the guide's curl examples work, one after the other",
  ignore: !hasCurl,
  async fn() {
    const flags = readFlags([]);
    assert.ok(flags !== null);
    await using centre = await startContactCentre({ ...flags.options, control: true });
    // The one request of the examples that is meant to fail.
    const script = scriptFor(centre.url).replace(
      /^(curl .*This text is sent.*)$/m,
      "($1) || test $? = 22",
    );
    const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script] })
      .output();
    const said = new TextDecoder().decode(stdout);
    assert.ok(success, said + new TextDecoder().decode(stderr));
    assert.match(said, /"text":"Where is my parcel\?"/);
    assert.match(said, /"channel":"\/v2\/me\/smssessions","data":.*"Max"/);
    assert.match(said, /"statusMessage":"Internal error"/);
    const [session] = centre.sessions;
    assert.deepEqual(session?.agents.map(({ agentId, state }) => `${agentId} ${state}`), [
      "john.doe Completed",
      "jane.roe Completed",
      "max.moe Chatting",
    ]);
    assert.ok(session?.messages.some(({ text }) => text === "This text is sent"));
  },
});

Deno.test("the guide's table of control routes has each route that there is, and no other", async () => {
  await using centre = await startContactCentre();
  const there = controlRoutes(centre).routes
    .filter(({ method }) => method === "POST")
    .map(({ path }) => path.replace(":id", "{id}"));
  const told = [...GUIDE.matchAll(/^\| `\/control(\/[^`]+)`/gm)].map(([, path]) => path);
  assert.deepEqual(told.toSorted(), there.toSorted());
});

Deno.test("the flags that the guide names are there", () => {
  const named = new Set([...GUIDE.matchAll(/--(?!help)[a-z]+(?:-[a-z]+)*/g)].map(([flag]) => flag));
  const switches = new Set(["--anyone", "--accept-any", "--csrf", "--lenient-names"]);
  const values = new Map([
    ["--port", "1"],
    ["--notify-url", "http://127.0.0.1/"],
    ["--cometd-path", "/x"],
    ["--cometd-channel", "/x"],
    ["--cometd-max-interval-ms", "1"],
    ["--messages-behind-ms", "1"],
    ["--handshake-refusal", "http"],
    ["--refusal-http-status", "200"],
  ]);
  for (const flag of named) {
    const args = switches.has(flag) ? [flag] : [flag, values.get(flag) ?? "x"];
    assert.doesNotThrow(() => readFlags(args), flag);
  }
});
