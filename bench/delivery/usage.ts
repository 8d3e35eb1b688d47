import type { RedisServer } from "../../simulator/kit/redis_server.ts";

/** Linux counts in hundredths of a second, whatever the kernel's own tick is (proc(5), sysconf(3)). */
const TICK_MS = 10;

/** What counts all processor time of the machine; what is not in it of our own processes disturbs the figures. */
const WHOLE_MACHINE = "whole machine";

/** Processor time used so far, in milliseconds, by process and by the machine; empty where the system does not tell. */
export async function processorTimes(
  pids: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  try {
    for (const [name, pid] of pids) {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
      // The name in parentheses may hold blanks; user and system time are the 12th and 13th word after it.
      const words = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      times.set(name, (Number(words[11]) + Number(words[12])) * TICK_MS);
    }
    // Whatever is neither idle nor waiting for a disk, which are the fourth and the fifth.
    const [line = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
    const counts = line.split(/ +/).slice(1, 9).map(Number);
    const busy = counts.filter((_, at) => at !== 3 && at !== 4).reduce(
      (sum, ticks) => sum + ticks,
      0,
    );
    return times.set(WHOLE_MACHINE, busy * TICK_MS);
  } catch (error) {
    // No /proc: another system than Linux.
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
}

/** How busy each process was between two of these, in per cent of one core, and how busy everything else together was. */
export function usageText(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  elapsedMs: number,
): string {
  const used = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const percent = (ms: number) => `${(ms / elapsedMs * 100).toFixed(0)} %`;
  const own = [...after.keys()].filter((name) => name !== WHOLE_MACHINE);
  const rest = used(WHOLE_MACHINE) - own.reduce((sum, name) => sum + used(name), 0);
  const shown = own.map((name) => `${name} ${percent(used(name))}`);
  return [...shown, `all else ${percent(Math.max(0, rest))}`].join(", ");
}

/**
 * How many commands clients have sent to a Redis so far, as far as they were Patchbay's: everything that it does there is
 * a script, so these are `EVALSHA`, and `EVAL` where Redis did not know the script yet. What scripts call is not counted.
 */
export async function storeCommands(redis: RedisServer): Promise<number> {
  const stats = await redis.cli("INFO", "commandstats");
  const calls = [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}
