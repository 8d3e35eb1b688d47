import { type Dialler, systemDialler } from "./connector.ts";
import { type Lookup, systemLookup } from "./resolver.ts";

/** What connections are made with; tests hand in their own. */
export interface Network {
  readonly lookup: Lookup;
  readonly dialler: Dialler;
}

export const systemNetwork: Network = { lookup: systemLookup, dialler: systemDialler };
