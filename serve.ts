/**
 * Patchbay for `deno serve`: with `--parallel`, several workers in one process, each a Patchbay of its own over the same store.
 *
 * `deno serve` listens, at its own `--host` and `--port`, and stops listening at SIGINT and SIGTERM by itself; the process
 * ends once no worker has anything left to do. What Deno leaves out is the time within which (DRAIN_MS) and the drain.
 */
import { composePatchbay } from "./composition/patchbay.ts";
import { LAST_BYTES_MS, trackRequests } from "./listening.ts";
import { begin, EX_UNAVAILABLE, onSignal, urlOf } from "./program.ts";

/** A worker whose signal came a moment later has this long to end as the others did. */
const GRACE_MS = 100;

const { made: patchbay, config, log } = await begin(composePatchbay, writeLine);
const requests = trackRequests(patchbay.fetch);
patchbay.start();
log.info("patchbay.worker_started", patchbay.about);

onSignal(() => stop(0));

// Where `deno serve` has no room for a connection it listens no more (see `listen`), and nobody but itself can make it listen
// again: so whoever supervises the process has to start it anew.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Deno.errors.Http)) return;
  event.preventDefault();
  log.error("patchbay.not_accepting", { reason: String(event.reason) });
  stop(EX_UNAVAILABLE).then(() => setTimeout(() => Deno.exit(EX_UNAVAILABLE), LAST_BYTES_MS));
});

async function stop(status: number): Promise<void> {
  // Deno.exit() ends all workers. It comes only where a request is still open when the time is up.
  Deno.unrefTimer(setTimeout(() => Deno.exit(status), config.server.drainMs + GRACE_MS));
  await patchbay.drain(requests.answered);
}

export default {
  fetch: requests.handler,
  // Deno calls it in one of the workers.
  onListen(address) {
    // A socket that is no TCP port has no URL.
    const url = "hostname" in address ? urlOf(address.hostname, address.port) : null;
    log.info("patchbay.listening", { url });
  },
} satisfies Deno.ServeDefaultExport;

/** The log as it is: `console.log` would put the worker's number before each line, which is then no JSON any more. */
function writeLine(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}
