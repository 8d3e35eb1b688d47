import type { Network } from "../../services/http/network.ts";

/** A network in which nothing has a name or an address. */
export const noNetwork: Network = {
  lookup: (name) => Promise.reject(Object.assign(new Error(`no ${name}`), { code: "ENOTFOUND" })),
  dialler: {
    dial: (address) => Promise.reject(new Error(`nobody at ${address}`)),
    dialStream: (address) => Promise.reject(new Error(`nobody at ${address}`)),
  },
};
