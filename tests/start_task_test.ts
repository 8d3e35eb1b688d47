import assert from "node:assert/strict";

const ROOT = new URL("..", import.meta.url);
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const permissionsOf = (task: "start" | "serve"): readonly string[] =>
  tasks[task].command.split(" ").filter((word: string) =>
    /^-A$|^--allow-|^--no-prompt$/.test(word)
  );
const permissions = permissionsOf("start").filter((word) => word !== "--no-prompt")
  .map((word) => word.startsWith("--allow-env=") ? "--allow-env=…" : word);

Deno.test("deno task serve may do what deno task start may do", () => {
  assert.deepEqual(permissionsOf("serve"), permissionsOf("start"));
});

Deno.test("docs/security.md has the reason of each permission of deno task start, and of no other", async () => {
  const page = await Deno.readTextFile(new URL("docs/security.md", ROOT));
  const cells = [...page.matchAll(/^\| (`--allow-[^|]+)\|/gm)].map(([, cell = ""]) => cell);
  const documented = cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, flag = ""]) => flag)
  );
  assert.deepEqual(documented, permissions);
});

Deno.test("deno task start asks nobody for more, and says where a database must be", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "start"],
      cwd: ROOT,
      env: {
        NO_COLOR: "1",
        PORT: "0",
        HOST: "127.0.0.1",
        UPSTREAM_URL: "http://127.0.0.1:9",
        JWT_ISSUER: "https://login.example",
        JWT_AUDIENCE: "patchbay",
        JWKS_URL: "http://127.0.0.1:9/jwks.json",
        SQLITE_PATH: `${folder}/patchbay.db`,
      },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 69, said);
    assert.equal(new TextDecoder().decode(stdout), "");
    assert.match(said, /^Cannot open the database .*: expected SQLITE_PATH in the folder data, or/);
    assert.equal(said.trimEnd().split("\n").length, 1, said);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
