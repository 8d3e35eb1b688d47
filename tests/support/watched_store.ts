import { StoreUnavailable } from "../../services/errors.ts";
import type { SessionStore } from "../../services/store/port/sessions.ts";
import type { Store } from "../../services/store/port/store.ts";

type Step = Exclude<keyof SessionStore, "listSessions" | "setCustomer"> | "writeRecord";

/** A store whose steps on the proxied path are counted and can be made to fail. */
export interface WatchedStore {
  readonly store: Store;
  /** The steps asked for since the last {@link WatchedStore.forget}, in order. */
  readonly calls: readonly Step[];
  forget(): void;
  /**
   * From now on these steps (all, without names) throw `StoreUnavailable`; `after-writing` does the work first, as a
   * store whose answer got lost.
   */
  fail(steps?: readonly Step[], when?: "before-writing" | "after-writing"): void;
  recover(): void;
}

const ALL: readonly Step[] = [
  "claimSession",
  "confirmSession",
  "releaseClaim",
  "applyEffect",
  "readSession",
  "writeRecord",
];

export function watchStore(inner: Store): WatchedStore {
  let calls: Step[] = [];
  let failing: readonly Step[] = [];
  let failsWhen: "before-writing" | "after-writing" = "before-writing";

  function watched<Args extends unknown[], Result>(
    step: Step,
    run: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result> {
    return async (...args) => {
      calls.push(step);
      const fails = failing.includes(step);
      if (fails && failsWhen === "before-writing") throw new StoreUnavailable(step);
      const result = await run(...args);
      if (fails) throw new StoreUnavailable(step);
      return result;
    };
  }

  return {
    store: {
      ...inner,
      claimSession: watched("claimSession", inner.claimSession),
      confirmSession: watched("confirmSession", inner.confirmSession),
      releaseClaim: watched("releaseClaim", inner.releaseClaim),
      applyEffect: watched("applyEffect", inner.applyEffect),
      readSession: watched("readSession", inner.readSession),
      writeRecord: watched("writeRecord", inner.writeRecord),
    },
    get calls() {
      return calls;
    },
    forget() {
      calls = [];
    },
    fail(steps = ALL, when = "before-writing") {
      failing = steps;
      failsWhen = when;
    },
    recover() {
      failing = [];
    },
  };
}
