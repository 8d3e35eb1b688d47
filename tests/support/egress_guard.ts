import { parseEgressAllow } from "../../services/egress/egress.ts";
import { createEgressGuard, type EgressGuard } from "../../services/egress/guard.ts";
import { createResolver } from "../../services/http/resolver.ts";
import { createVirtualClock } from "./virtual_clock.ts";

/** What names stand for; a name that is not there does not exist. Whoever changes it moves the names. */
export type Names = Record<string, readonly string[]>;

/** An egress guard whose resolver knows these names alone. */
export async function createTestGuard(
  { allow = [], names = {} }: { readonly allow?: readonly string[]; readonly names?: Names } = {},
): Promise<EgressGuard & { readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const lookup = (name: string) => {
    asked.push(name);
    const addresses = names[name];
    return addresses === undefined
      ? Promise.reject(Object.assign(new Error(name), { code: "ENOTFOUND" }))
      : Promise.resolve(addresses);
  };
  const resolve = createResolver({ lookup, clock: createVirtualClock() });
  const guard = createEgressGuard({
    allow: await parseEgressAllow(allow),
    resolve,
    resolveSoon: resolve,
  });
  return { ...guard, asked };
}
