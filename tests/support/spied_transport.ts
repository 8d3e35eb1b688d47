import type { RedisTransport } from "../../services/store/redis/transport.ts";

/** A transport that tells what it was asked: one entry is one round trip, once Redis knows the scripts. */
export interface SpiedTransport extends RedisTransport {
  /** A script by its name, a pipeline by the first of its commands. */
  readonly asked: readonly string[];
  /** Begins to count anew. */
  forget(): void;
}

export function spyOnTransport(inner: RedisTransport): SpiedTransport {
  let asked: string[] = [];
  return {
    get asked() {
      return asked;
    },
    forget() {
      asked = [];
    },
    script(script, keys, args) {
      asked.push(script.name);
      return inner.script(script, keys, args);
    },
    pipeline(commands) {
      asked.push(commands[0]?.[0] ?? "");
      return inner.pipeline(commands);
    },
    close: inner.close,
  };
}
