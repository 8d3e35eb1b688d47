import { systemNetwork } from "../../services/http/network.ts";
import { type Patchbay, startPatchbay } from "../../main.ts";
import { type Clock, systemClock } from "../../services/support/clock.ts";
import { readConfig } from "../../services/config/config.ts";
import type { Logger } from "../../services/support/log.ts";
import { createMemoryLog } from "./memory_log.ts";
import { patchbayEnv } from "./patchbay_for_load.ts";

/** A Patchbay within this process, on a free port; `env` is what it has beside {@link patchbayEnv}. */
export async function startLocalPatchbay(
  env: Readonly<Record<string, string>>,
  { clock = systemClock, log = createMemoryLog() }: { clock?: Clock; log?: Logger } = {},
): Promise<Patchbay & AsyncDisposable> {
  const reading = readConfig({ ...await patchbayEnv(0), ...env });
  if (!reading.ok) throw new Error(reading.faults.join("\n"));
  const patchbay = await startPatchbay(reading.config, {
    log,
    clock,
    random: Math.random,
    fetch,
    network: systemNetwork,
  });
  return { ...patchbay, [Symbol.asyncDispose]: () => patchbay.drain() };
}

/** The system's clock, but so many milliseconds ahead. */
export function clockAhead(aheadMs: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + aheadMs };
}
