import type { CometD } from "cometd";

/**
 * Makes CometD clients. Loads the `cometd` package on first use (50 ms): whoever does not subscribe never pays for it.
 *
 * Of `cometd-nodejs-client`, which usually goes with it, nothing is used. It gives all clients of a process one cookie jar,
 * while each agent needs its own; it never shows answer headers, in which upstream tells CSRF tokens; and it joins the
 * chunks of a body as texts, which breaks a character that two chunks share.
 */
export async function loadCometd(): Promise<() => CometD> {
  // The package takes its timers and its platform from `window`, as in a browser; it asks as early as its constructor.
  if (!("window" in globalThis)) {
    Object.defineProperty(globalThis, "window", {
      value: globalThis,
      configurable: true,
      writable: true,
    });
  }
  const { CometD } = await import("cometd");
  return () => new CometD();
}
