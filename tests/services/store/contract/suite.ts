import type { Store } from "../../../../services/store/port/store.ts";
import { charterContract } from "./charter.ts";
import type { ContractTest } from "./contract.ts";
import { deliveryContract } from "./deliveries.ts";
import { eventContract } from "./events.ts";
import { guardContract } from "./guards.ts";
import { handingOverContract } from "./handing_over.ts";
import { heardStatesContract } from "./heard_states.ts";
import { holdingContract } from "./holding.ts";
import { lateTextsContract } from "./late_texts.ts";
import { recordContract } from "./records.ts";
import { revocationContract } from "./revocations.ts";
import { sessionRulesContract } from "./session_rules.ts";
import { sessionContract } from "./sessions.ts";
import { smsContract } from "./sms.ts";

export interface Engine {
  readonly name: string;
  /** True where this machine cannot run it. */
  readonly ignore?: boolean;
  /** How many parts a sink's rate is split into; 1 where left out. */
  readonly shards?: number;
  /** A fresh, empty store; disposing it ends whatever it started. */
  open(): Promise<{ readonly store: Store } & AsyncDisposable>;
}

/** What every engine must do, test by test (services/store/port/). */
export function testStoreContract(engine: Engine): void {
  const test: ContractTest = (name, check) =>
    Deno.test({
      name: `${engine.name}: ${name}`,
      ignore: engine.ignore ?? false,
      fn: async () => {
        await using opened = await engine.open();
        await check(opened.store);
      },
    });
  sessionContract(test);
  sessionRulesContract(test);
  handingOverContract(test);
  heardStatesContract(test);
  eventContract(test);
  lateTextsContract(test);
  deliveryContract(test);
  holdingContract(test, engine.shards ?? 1);
  recordContract(test);
  guardContract(test);
  revocationContract(test);
  smsContract(test);
  charterContract(test);
}
