import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import { storeFailureReason } from "../../../services/store/failure_reason.ts";
import { NoAnswer } from "../../../services/store/redis/no_answer.ts";
import { RedisReplyError } from "../../../services/store/redis/transport.ts";

const because = (cause: unknown) => new StoreUnavailable("publish the events", { cause });

const REASONS: readonly (readonly [what: string, error: unknown, reason: string | undefined])[] = [
  ["a missed deadline", because(new NoAnswer("no answer within 5 ms")), "no answer within 5 ms"],
  [
    "a refusal of Redis",
    because(new RedisReplyError("OOM", "publish", "EVALSHA")),
    "Redis refused script publish: OOM",
  ],
  ["a full disk", because(new Error("database or disk is full")), "database or disk is full"],
  ["a fault of ours", because(new SyntaxError('Unexpected token in "+4915112"')), "SyntaxError"],
  ["no cause", new StoreUnavailable("publish the events"), undefined],
  [
    "an error of another kind",
    new Error("of another kind", { cause: new NoAnswer("-") }),
    undefined,
  ],
];

for (const [what, error, reason] of REASONS) {
  Deno.test(`storeFailureReason() tells ${reason ?? "nothing"} for ${what}`, () => {
    assert.equal(storeFailureReason(error), reason);
  });
}
