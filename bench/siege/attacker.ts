/** Makes one attack until SIGTERM: a process of its own, so that what it does to itself is not measured. */
import { type Aim, ATTACKS, KNOWN_ATTACKS } from "./attacks.ts";

const [name = "", aim = ""] = Deno.args;
const attack = ATTACKS[name] ?? KNOWN_ATTACKS[name];
if (attack === undefined) throw new Error(`Cannot attack by ${name}`);

const stop = new AbortController();
Deno.addSignalListener("SIGTERM", () => {
  stop.abort();
  Deno.exit(0);
});
await attack(JSON.parse(aim) as Aim, stop.signal);
