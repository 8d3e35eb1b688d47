import type { SessionEnd } from "../cometd/cometd_session.ts";

/** How often in a row the same kind of thing has happened, this time included. */
export interface Setbacks {
  /** Sessions that ended, lost ones included, before they had lasted {@link SETTLED_MS}. */
  readonly failures: number;
  /** Handshakes with credentials that upstream turned down. */
  readonly refusals: number;
  /** Handshakes turned down for their CSRF token alone. */
  readonly csrfRefusals: number;
}

export const NO_SETBACKS: Setbacks = { failures: 0, refusals: 0, csrfRefusals: 0 };

/** The setbacks in a row after one more end. Pure. */
export function countSetback(before: Setbacks, end: SessionEnd): Setbacks {
  const { failures, refusals, csrfRefusals } = before;
  switch (end.kind) {
    case "lost":
    case "failed":
      return { failures: failures + 1, refusals: 0, csrfRefusals: 0 };
    case "refused":
      return { failures, refusals: refusals + 1, csrfRefusals: 0 };
    case "csrf":
      return { failures, refusals, csrfRefusals: csrfRefusals + 1 };
    case "dismissed":
    case "closed":
      return before;
  }
}

/** What to do after a session's end. */
export type NextStep =
  | {
    readonly kind: "reconnect";
    readonly afterMs: number;
    /** Fetch `/me` first: it brings the CSRF token, and tells whether the credentials are good. */
    readonly askFirst: boolean;
  }
  | { readonly kind: "stop"; readonly why: string };

/** A session that lasts so long was no mere flicker. */
export const SETTLED_MS = 10_000;
/** Wrong credentials do not get better by themselves; a directory that is just restarting does. */
export const MAX_REFUSALS = 4;

/** All agents lose their sessions in one moment when upstream restarts: they come back over this time. */
const SPREAD_MS = 1_500;
/** Everybody is to be back within 10 s of upstream's return, so nobody waits longer than this. */
const LONGEST_WAIT_MS = 8_000;
const FIRST_WAIT_MS = 1_000;
const REFUSAL_WAITS_MS = [2_000, 10_000, 30_000];
/** So often a session may be lost early before it counts as a fault. */
const FREE_LOSSES = 2;

/** Decides; `random` gives numbers in [0, 1). Pure but for it. */
export function nextStep(
  end: Exclude<SessionEnd, { kind: "closed" }>,
  { failures, refusals, csrfRefusals }: Setbacks,
  random: () => number,
): NextStep {
  switch (end.kind) {
    case "dismissed":
      return { kind: "stop", why: end.why };
    case "refused": {
      if (refusals >= MAX_REFUSALS) return { kind: "stop", why: end.why };
      const waitMs = REFUSAL_WAITS_MS[refusals - 1] ?? REFUSAL_WAITS_MS.at(-1) ?? 0;
      return { kind: "reconnect", afterMs: jittered(waitMs, random), askFirst: true };
    }
    case "csrf":
      // Once at once: the token is as new as upstream's session, and asking brings the right one.
      return {
        kind: "reconnect",
        afterMs: csrfRefusals <= 1 ? 0 : backOff(csrfRefusals - 1, random),
        askFirst: true,
      };
    case "lost":
      return {
        kind: "reconnect",
        afterMs: failures <= FREE_LOSSES
          ? random() * SPREAD_MS
          : backOff(failures - FREE_LOSSES, random),
        askFirst: false,
      };
    case "failed":
      return {
        kind: "reconnect",
        afterMs: failures <= 1 ? random() * SPREAD_MS : backOff(failures - 1, random),
        // An upstream that answers wrong credentials with HTTP 200 and a body of its own looks like this, too.
        askFirst: failures > 2,
      };
  }
}

function backOff(times: number, random: () => number): number {
  return jittered(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1)), random);
}

/** Half of the wait is kept, so that chance cannot make it none. */
function jittered(waitMs: number, random: () => number): number {
  return waitMs * (0.5 + random() / 2);
}
