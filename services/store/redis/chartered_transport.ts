import { StoreUnavailable } from "../../errors.ts";
import { charterAfter, OtherTerms } from "../charter.ts";
import type { CharterStore, StoreTerms } from "../port/charter.ts";
import type { RedisTransport } from "./transport.ts";

/** In the first shard, which every number of shards has. */
const CHARTER_KEY = "pb:{0}:charter";

/**
 * A transport through which nothing passes before the charter fits, once `agree` was called. A Redis that is away when
 * Patchbay starts is asked again with the next command, so that it is not used unasked when it is back.
 */
export function createCharteredTransport(
  transport: RedisTransport,
): { readonly transport: RedisTransport; readonly charter: CharterStore } {
  /** Null: nothing is in the way. */
  let comparison: (() => Promise<void>) | null = null;
  let underWay: Promise<void> | null = null;
  let tell: (refusal: OtherTerms) => void = () => {};

  async function held(): Promise<string | null> {
    const [text] = await transport.pipeline([["GET", CHARTER_KEY]]);
    return typeof text === "string" ? text : null;
  }

  async function compare(terms: StoreTerms): Promise<void> {
    let text = await held();
    if (text === null) {
      const own = charterAfter(null, terms);
      if (own !== null) await transport.pipeline([["SET", CHARTER_KEY, own, "NX"]]);
      text = await held();
    }
    const renewed = text === null ? null : charterAfter(text, terms);
    if (renewed !== null) await transport.pipeline([["SET", CHARTER_KEY, renewed]]);
    comparison = null;
  }

  async function passing<T>(command: () => Promise<T>): Promise<T> {
    if (comparison !== null) {
      try {
        await (underWay ??= comparison().finally(() => underWay = null));
      } catch (cause) {
        if (!(cause instanceof OtherTerms)) throw cause;
        tell(cause);
        throw new StoreUnavailable("use the store", { cause });
      }
    }
    return await command();
  }

  return {
    transport: {
      script: (script, keys, args) =>
        comparison === null
          ? transport.script(script, keys, args)
          : passing(() => transport.script(script, keys, args)),
      pipeline: (commands) =>
        comparison === null
          ? transport.pipeline(commands)
          : passing(() => transport.pipeline(commands)),
      close: () => transport.close(),
    },
    charter: {
      agree(terms, onRefused) {
        comparison = async () => {
          try {
            await compare(terms);
          } catch (error) {
            if (error instanceof OtherTerms) comparison = () => Promise.reject(error);
            throw error;
          }
        };
        tell = (refusal) => {
          tell = () => {};
          onRefused?.(refusal);
        };
        return underWay = comparison().finally(() => underWay = null);
      },
    },
  };
}
