import { type BackOff, backOffMs, jittered } from "../../support/back_off.ts";
import type { SessionEnd } from "../cometd/session_end.ts";

// What follows the end of a session, by its kind and by how often in a row the same has happened:
//
//   end                       then
//   ------------------------  -----------------------------------------------------------------------------------------
//   lost                      reconnect within 1.5 s; from the 3rd in a row after 1 s, doubling to 8 s
//   failed                    reconnect within 1.5 s; from the 2nd in a row after 1 s, doubling to 8 s; from the 3rd ask
//                             for `/me` first
//   csrf                      reconnect at once; from the 2nd in a row after 1 s, doubling to 8 s; always ask first
//   refused                   reconnect after 2 s, 10 s and 30 s, always ask first; after the 4th in a row stop
//   dismissed                 stop
//
// A session that has lasted `SETTLED_MS` ends every row. `lost` and `failed` count as one row, which ends those of
// `refused` and `csrf`; `refused` ends that of `csrf`. Chance takes up to half off a wait that is given by its length.

/** How often in a row the same kind of thing has happened, this time included. */
export interface Setbacks {
  /** Sessions that were lost or failed before they had lasted {@link SETTLED_MS}. */
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
    /** Fetch `/me` first: the answer brings the CSRF token, and tells whether the credentials are good. */
    readonly askFirst: boolean;
  }
  | { readonly kind: "stop"; readonly why: string };

/** A session that lasts so long was no mere flicker. */
export const SETTLED_MS = 10_000;
/** Wrong credentials do not get better by themselves, whereas a directory that is just restarting does. */
export const MAX_REFUSALS = 4;

/** All agents lose their sessions in one moment when upstream restarts: they come back over this time. */
const SPREAD_MS = 1_500;
/** Everybody is to be back within 10 s of upstream's return, so nobody waits longer than 8 s. */
const BACK_OFF: BackOff = { firstMs: 1_000, longestMs: 8_000 };
const REFUSAL_WAITS_MS = [2_000, 10_000, 30_000];
/** So many sessions in a row may be lost early before that counts as a fault. */
const FREE_LOSSES = 2;

/** Decides what follows. `random` gives numbers in [0, 1). Pure but for it. */
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
      // The token is as new as upstream's HTTP session, and asking brings the right one: the first time no wait is needed.
      return {
        kind: "reconnect",
        afterMs: csrfRefusals <= 1 ? 0 : backOffMs(csrfRefusals - 1, BACK_OFF, random),
        askFirst: true,
      };
    case "lost":
      return {
        kind: "reconnect",
        afterMs: failures <= FREE_LOSSES
          ? random() * SPREAD_MS
          : backOffMs(failures - FREE_LOSSES, BACK_OFF, random),
        askFirst: false,
      };
    case "failed":
      return {
        kind: "reconnect",
        afterMs: failures <= 1 ? random() * SPREAD_MS : backOffMs(failures - 1, BACK_OFF, random),
        // An upstream that answers wrong credentials with HTTP 200 and a body of its own looks like this, too.
        askFirst: failures > 2,
      };
  }
}
