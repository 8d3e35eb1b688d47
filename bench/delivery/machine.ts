import { cpus } from "node:os";
import { redisAvailable } from "../../simulator/kit/redis_server.ts";

/** One line about what the figures were taken on. */
export async function describeMachine(): Promise<string> {
  const processors = cpus();
  const memoryGib = Deno.systemMemoryInfo().total / 2 ** 30;
  return [
    `${processors.length} cores`,
    processors[0]?.model ?? "unknown processor",
    `${memoryGib.toFixed(0)} GiB`,
    `${Deno.build.os} ${Deno.osRelease()}`,
    `Deno ${Deno.version.deno}`,
    redisAvailable() ? `Redis ${await redisVersion()}` : "no Redis",
  ].join(" · ");
}

async function redisVersion(): Promise<string> {
  const { stdout } = await new Deno.Command("redis-server", { args: ["--version"] }).output();
  return /\bv=(\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "of unknown version";
}
