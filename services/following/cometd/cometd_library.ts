import type { CometD } from "cometd";

/**
 * Loads the `cometd` package, and resolves with what makes its clients. Loading takes 50 ms, which only those who subscribe
 * are to pay.
 *
 * The package usually goes with `cometd-nodejs-client`, which is not used here. It gives all clients of a process one cookie
 * jar, while each agent needs its own; it never shows answer headers, in which upstream tells CSRF tokens; and it joins the
 * chunks of a body as texts, which breaks a character that two chunks share.
 */
export async function loadCometd(): Promise<() => CometD> {
  // As in a browser the package takes its timers and its platform from `window`, and its constructor already reads it.
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
