/**
 * Patchbay for `deno serve`: with `--parallel`, several workers in one process, each a Patchbay of its own over the same store.
 *
 * `deno serve` listens, at its own `--host` and `--port`, and stops listening at SIGINT and SIGTERM by itself; the process
 * ends once no worker has anything left to do. What Deno leaves out is the time within which (DRAIN_MS) and the drain.
 */
import { type ComposedPatchbay, composePatchbay } from "./composition/patchbay.ts";
import { begin, onSignal, urlOf } from "./program.ts";

/** A worker whose signal came a moment later has this long to end as the others did. */
const GRACE_MS = 100;

const { made: patchbay, config, log } = await begin(composePatchbay, writeLine);
const requests = trackRequests(patchbay.fetch);
patchbay.start();
log.info("patchbay.worker_started", patchbay.about);

onSignal(async () => {
  // Deno.exit() ends all workers. It comes only where a request is still open when the time is up.
  Deno.unrefTimer(setTimeout(() => Deno.exit(0), config.server.drainMs + GRACE_MS));
  await patchbay.drain(requests.answered);
});

export default {
  fetch: requests.fetch,
  // Deno calls it in one of the workers.
  onListen(address) {
    // A socket that is no TCP port has no URL.
    const url = "hostname" in address ? urlOf(address.hostname, address.port) : null;
    log.info("patchbay.listening", { url });
  },
} satisfies Deno.ServeDefaultExport;

/** `deno serve` does not tell when it has answered what was open, so that is counted here. */
function trackRequests(fetch: ComposedPatchbay["fetch"]) {
  const open = new Set<Promise<void>>();
  return {
    fetch(request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) {
      // It is rejected where the client has gone, which ends a request as well.
      const completed = info.completed.catch(() => {}).finally(() => open.delete(completed));
      open.add(completed);
      return fetch(request, info);
    },
    async answered(): Promise<void> {
      while (open.size > 0) await Promise.all(open);
    },
  };
}

/** The log as it is: `console.log` would put the worker's number before each line, which is then no JSON any more. */
function writeLine(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}
