/**
 * Patchbay: `deno task start`. Listens; `composition/patchbay.ts` builds what answers, `program.ts` is the process around it.
 */
import { listen } from "./listening.ts";
import type { Environment } from "./composition/environment.ts";
import { composePatchbay } from "./composition/patchbay.ts";
import { type Patchbay, runProgram, urlOf } from "./program.ts";
import type { Config } from "./services/config/config.ts";

export type { Patchbay };

/** Builds a Patchbay and listens. */
export async function startPatchbay(config: Config, environment: Environment): Promise<Patchbay> {
  const patchbay = await composePatchbay(config, environment);
  const { host, port } = config.server;
  const listening = listen({ hostname: host, port, handler: patchbay.fetch, ...environment });
  patchbay.start();
  const url = urlOf(host, listening.port);
  environment.log.info("patchbay.listening", { url, ...patchbay.about });
  return { url, drain: () => patchbay.drain(() => listening.shutdown()) };
}

if (import.meta.main) await runProgram(startPatchbay);
