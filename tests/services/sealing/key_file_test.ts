import assert from "node:assert/strict";
import { loadOrCreateKeyFile, UnusableKeyFile } from "../../../services/sealing/key_file.ts";

/** Runs `body` with a folder that is gone afterwards. */
async function inFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "patchbay-key-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const namesIn = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

Deno.test("loadOrCreateKeyFile() makes a key that only its owner may read, and its folder", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/data/patchbay.db.key`;
    const key = await loadOrCreateKeyFile(path);
    assert.equal(key.length, 32);
    assert.equal(await Deno.readTextFile(path), `${key.toBase64()}\n`);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual(await namesIn(`${folder}/data`), ["patchbay.db.key"]);
  });
});

Deno.test("loadOrCreateKeyFile() comes back with the key that is there", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/key`;
    assert.deepEqual(await loadOrCreateKeyFile(path), await loadOrCreateKeyFile(path));
    const own = new Uint8Array(32).fill(7);
    await Deno.writeTextFile(path, own.toBase64({ alphabet: "base64url", omitPadding: true }));
    assert.deepEqual(await loadOrCreateKeyFile(path), own);
  });
});

for (const contents of ["", "\n", "not a key", new Uint8Array(31).toBase64()]) {
  Deno.test(`loadOrCreateKeyFile() refuses a file with ${JSON.stringify(contents)} and leaves it`, async () => {
    await inFolder(async (folder) => {
      const path = `${folder}/key`;
      await Deno.writeTextFile(path, contents);
      await assert.rejects(loadOrCreateKeyFile(path), (error: unknown) => {
        assert.ok(error instanceof UnusableKeyFile, String(error));
        assert.ok(error.message.startsWith(`Cannot use the key file ${path}: `), error.message);
        assert.ok(contents.trim() === "" || !error.message.includes(contents));
        return true;
      });
      assert.equal(await Deno.readTextFile(path), contents);
    });
  });
}

Deno.test("loadOrCreateKeyFile() fails when the place cannot be written, and leaves nothing", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(loadOrCreateKeyFile(`${folder}/file/key`));
    assert.deepEqual(await namesIn(folder), ["file"]);
  });
});

Deno.test("loadOrCreateKeyFile() gives many callers at once the same key", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/key`;
    const keys = await Promise.all(Array.from({ length: 32 }, () => loadOrCreateKeyFile(path)));
    const texts = new Set(keys.map((key) => key.toBase64()));
    assert.deepEqual([...texts], [(await Deno.readTextFile(path)).trim()]);
    assert.deepEqual(await namesIn(folder), ["key"]);
  });
});

Deno.test("loadOrCreateKeyFile() gives two processes that start together the same key", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/key`;
    const module = new URL("../../../services/sealing/key_file.ts", import.meta.url).href;
    const program = `const { loadOrCreateKeyFile } = await import(${JSON.stringify(module)});
      console.log((await loadOrCreateKeyFile(${JSON.stringify(path)})).toBase64());`;
    const run = async () => {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", program],
        cwd: new URL("../../..", import.meta.url),
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout).trim();
    };
    const [one, other] = await Promise.all([run(), run()]);
    assert.equal(one, (await Deno.readTextFile(path)).trim());
    assert.equal(other, one);
  });
});
