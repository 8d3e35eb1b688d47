/** Patchbay as it is, but for the network of its webhooks: `NAMES_URL` tells its names, and addresses lead to loopback alone. */
import { startPatchbay } from "../../main.ts";
import { runProgram } from "../../program.ts";
import { type Network, systemNetwork } from "../../services/http/network.ts";

const NAMES_URL = Deno.env.get("NAMES_URL");

async function ask(question: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${NAMES_URL}?${new URLSearchParams(question)}`);
  return await response.json();
}

/** Where on loopback an address leads. */
async function route(address: string, port: number): Promise<[hostname: string, port: number]> {
  const routed = await ask({ dial: `${address} ${port}` });
  if (typeof routed === "number") return ["127.0.0.1", routed];
  if (address.startsWith("127.")) return [address, port];
  throw new Error(`nobody is at ${address}`);
}

const network: Network = {
  async lookup(name) {
    const addresses = await ask({ name });
    if (Array.isArray(addresses)) return addresses;
    throw Object.assign(new Error(name), { code: "ENOTFOUND" });
  },
  dialler: {
    dial: async (address, port, signal) =>
      await systemNetwork.dialler.dial(...await route(address, port), signal),
    dialStream: async (address, port, signal) =>
      await systemNetwork.dialler.dialStream(...await route(address, port), signal),
  },
};

await runProgram((config, environment) => startPatchbay(config, { ...environment, network }));
