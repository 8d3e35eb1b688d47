import assert from "node:assert/strict";
import { runToItsEnd } from "../support/program_process.ts";

const bench = (...args: string[]) => runToItsEnd({ main: "bench/main.ts", args });

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
