import type { Store } from "../../../../services/store/port/store.ts";

/** Registers one test of the contract against an engine. */
export type ContractTest = (name: string, check: (store: Store) => Promise<void>) => void;
