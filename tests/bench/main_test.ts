import assert from "node:assert/strict";

const MAIN = new URL("../../bench/main.ts", import.meta.url).pathname;

async function bench(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", MAIN, ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("the bench explains its flags and measures nothing with --help", async () => {
  const { code, stdout } = await bench("--help");
  assert.equal(code, 0);
  for (const flag of ["--quick", "--store", "sqlite"]) assert.ok(stdout.includes(flag), flag);
});

Deno.test("the bench ends with status 2 for a store that it does not know", async () => {
  assert.deepEqual(await bench("--store=paper"), {
    code: 2,
    stdout: "",
    stderr: "Cannot use --store=paper: expected redis, upstash, sqlite\nTry --help\n",
  });
});

Deno.test("the bench ends with status 2 for a flag that it does not know", async () => {
  const { code, stderr } = await bench("--fast");
  assert.equal(code, 2);
  assert.match(stderr, /--fast/);
});
