import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../../services/errors.ts";
import { RedisReplyError } from "../../../../services/store/redis/transport.ts";

/** The token of every endpoint here; no error may tell it. */
export const TOKEN = "a-token";

/** A value that tests put into commands; no error may tell it. */
export const SECRET = "+4915112345678";

/** Whether an error is the expected refusal and tells nothing more. */
export function refusal(code: string, scriptName: string | null, message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof RedisReplyError, String(error));
    assert.deepEqual([error.code, error.scriptName, error.message], [code, scriptName, message]);
    assertTellsNothing(error);
    return true;
  };
}

/** Whether an error says that the store is unavailable, for the given reason if there is one, and nothing more. */
export function unavailable(operation: string, reason?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.equal(error.message, `Cannot ${operation}: the store is unavailable`);
    assert.ok(error.cause instanceof Error);
    if (reason !== undefined) assert.equal(error.cause.message, reason);
    assertTellsNothing(error);
    return true;
  };
}

/** No value of a command, not even where only a debugger looks. */
function assertTellsNothing(error: Error): void {
  const told = Deno.inspect(error, { depth: 20, showHidden: true });
  assert.ok(!told.includes(SECRET), told);
  assert.ok(!told.includes(TOKEN), told);
}
