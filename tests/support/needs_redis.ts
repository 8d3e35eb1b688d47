/** Tests that need a real Redis, and what happens to them where there is none. */
import { redisAvailable } from "../../simulator/kit/redis_server.ts";

let told = false;

/** Whether tests that need a real Redis are to be ignored; where they are, one sentence says so. */
export function ignoredWithoutRedis(): boolean {
  const ignore = !redisAvailable();
  if (ignore && !told) {
    told = true;
    Deno.stderr.writeSync(
      new TextEncoder().encode(
        "redis-server is not on the PATH: the tests that need a real Redis are ignored\n",
      ),
    );
  }
  return ignore;
}

/** A test that needs a real Redis, ignored where there is none. */
export function redisTest(name: string, run: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name, ignore: ignoredWithoutRedis(), fn: run });
}
