import assert from "node:assert/strict";
import { forbiddenImports, misplacedWords, missingFiles } from "../../tools/house_rules.ts";

const IMPORTS: readonly [from: string, to: string, allowed: boolean][] = [
  ["main.ts", "composition/sms.ts", true],
  ["composition/sms.ts", "routes/mod.ts", true],
  ["routes/me.ts", "services/errors.ts", true],
  ["routes/me.ts", "composition/sms.ts", false],
  ["middleware/json_body.ts", "routes/me.ts", false],
  ["services/sms/split.ts", "services/support/log.ts", true],
  ["services/sms/split.ts", "middleware/json_body.ts", false],
  ["services/sms/split.ts", "main.ts", false],
  ["services/store/paging.ts", "services/support/log.ts", true],
  ["services/store/paging.ts", "services/sms/split.ts", false],
  ["services/support/log.ts", "services/errors.ts", false],
  ["services/sms/split.ts", "tests/support/tokens.ts", false],
  ["main.ts", "simulator/dev/world.ts", false],
  ["simulator/dev/world.ts", "main.ts", true],
  ["simulator/dev/world.ts", "tests/support/tokens.ts", false],
  ["tests/support/tokens.ts", "simulator/dev/world.ts", true],
  ["bench/main.ts", "tests/support/tokens.ts", true],
  ["tests/support/tokens.ts", "tests/serve_test.ts", false],
];
for (const [from, to, allowed] of IMPORTS) {
  Deno.test(`forbiddenImports() ${allowed ? "lets" : "does not let"} ${from} import ${to}`, () => {
    const expected = allowed ? [] : [`${from} may not import ${to}`];
    assert.deepEqual(forbiddenImports(new Map([[from, [to]]])), expected);
  });
}

const WORDS: readonly [path: string, text: string, faults: number][] = [
  ["services/sms/twilio/client.ts", "// Twilio's API", 0],
  ["services/webhooks/webhooks.ts", "// as Twilio does", 1],
  ["services/webhooks/webhooks.ts", 'Deno.env.get("PORT")', 1],
  ["services/webhooks/webhooks.ts", "Redis.fromEnv()", 1],
  ["services/config/config.ts", "as `Deno.env` is", 0],
  ["program.ts", "Deno.env.toObject()", 0],
  ["tests/serve_test.ts", "Deno.env.toObject() // for Twilio", 0],
  ["README.md", "Twilio", 0],
];
for (const [path, text, faults] of WORDS) {
  Deno.test(`misplacedWords() finds ${faults} in ${path} with ${text}`, () => {
    assert.equal(misplacedWords(path, text).length, faults);
  });
}

const PATHS = ["services/sms/split.ts", "docs/sms.md", "services/store/redis/scripts/base.lua"];
const GONE = "cut.ts";
const NAMES: readonly [path: string, text: string, missing: string[]][] = [
  ["README.md", "see `services/sms/split.ts`, `split.ts` and `./docs/sms.md`", []],
  ["README.md", "see `services/sms/cut.ts`", ["services/sms/cut.ts"]],
  ["README.md", "see `plit.ts`", ["plit.ts"]],
  ["main.ts", `  // see \`${GONE}\``, [GONE]],
  ["main.ts", " * see `base.lua`", []],
  ["main.ts", "const path = `${folder}x.ts`;", []],
  ["services/store/redis/scripts/base.lua", `-- see \`${GONE}\``, [GONE]],
];
for (const [path, text, missing] of NAMES) {
  Deno.test(`missingFiles() names ${missing.join() || "nothing"} in ${path} with ${text}`, () => {
    assert.deepEqual(
      missingFiles(path, text, PATHS),
      missing.map((name) => `${path} names ${name}, which does not exist`),
    );
  });
}
