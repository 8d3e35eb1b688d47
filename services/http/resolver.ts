import { lookup } from "node:dns/promises";
import type { Clock } from "../support/clock.ts";
import { NotSent } from "./network_failure.ts";

/** All addresses that a name stands for, of both families. Rejects with an error whose `code` is the resolver's. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * As the system resolves names, its hosts file included. `Deno.resolveDns` reads hosts files too, but tells a name that does
 * not exist, one without addresses and a server that fails all by the same error.
 */
export const systemLookup: Lookup = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);

/** One address at least. Rejects with `NotSent`, which says whether it is the name or the resolver that fails. */
export type Resolve = (name: string, signal?: AbortSignal) => Promise<readonly string[]>;

/** No longer than this is waited for a resolver: a query that got lost is sent again after five seconds. */
const TIMEOUT_MS = 6_000;

export function createResolver(
  { lookup, clock, timeoutMs = TIMEOUT_MS }: {
    readonly lookup: Lookup;
    readonly clock: Clock;
    readonly timeoutMs?: number;
  },
): Resolve {
  return async (name, signal) => {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(failed("the name was given up"));
    const timer = clock.after(timeoutMs, () => reject(failed(`no answer within ${timeoutMs} ms`)));
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    try {
      const addresses = await Promise.race([lookup(name), ended]);
      if (addresses.length === 0) throw notFound();
      return addresses;
    } catch (error) {
      if (error instanceof NotSent) throw error;
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      throw NOT_FOUND.has(code) ? notFound(error) : failed(code || String(error), error);
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", giveUp);
    }
  };
}

const NOT_FOUND: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

function notFound(cause?: unknown): NotSent {
  return new NotSent("name-not-found", "The host's name has no address", { cause });
}

function failed(why: string, cause?: unknown): NotSent {
  return new NotSent("resolver-failed", `The host's name could not be looked up: ${why}`, {
    cause,
  });
}
