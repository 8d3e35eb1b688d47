import { type BackOff, backOffMs, jittered } from "../../support/back_off.ts";
import type { SessionEnd } from "../cometd/session_end.ts";

// What follows the end of a session, by its kind and by how often in a row the same has happened:
//
//   end                       then
//   ------------------------  -----------------------------------------------------------------------------------------
//   lost                      reconnect within 1.5 s; from the 3rd in a row after 1 s, doubling to 8 s
//   lost, advised not to      reconnect within 1.5 s; from the 3rd in a row probe after 30 s, doubling to 15 min
//   come back
//   failed                    reconnect within 1.5 s; from the 2nd in a row after 1 s, doubling to 8 s; from the 3rd ask
//                             for `/me` first; never before upstream wants to be asked again
//   csrf                      reconnect at once; from the 2nd in a row after 1 s, doubling to 8 s; always ask first
//   refused                   reconnect after 2 s, 10 s and 30 s, always ask first; after the 4th in a row probe after
//                             30 s, doubling to 15 min
//   dismissed                 probe after 30 s, doubling to 15 min
//   unequipped                wait until there are credentials
//
// To probe is to ask for `/me` and, if that is granted, to begin a session: an agent whom upstream does not want costs it
// one request in a while, and is followed again once upstream has changed its mind. Nothing ends for good.
//
// A session that has lasted `SETTLED_MS` ends every row. `lost` and `failed` count as one row, which ends those of
// `refused` and `csrf`; `refused` and `dismissed` count as one, which ends that of `csrf`. Chance takes up to half off a
// wait that is given by its length.

/** How often in a row the same kind of thing has happened, this time included. */
export interface Setbacks {
  /** Sessions that were lost or failed before they had lasted {@link SETTLED_MS}. */
  readonly failures: number;
  /** Sessions or credentials that upstream turned down. The advice not to come back counts as much as a row of them. */
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
    case "dismissed":
      return { failures, refusals: Math.max(refusals + 1, MAX_REFUSALS), csrfRefusals: 0 };
    case "csrf":
      return { failures, refusals, csrfRefusals: csrfRefusals + 1 };
    case "unequipped":
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
  /** Upstream does not want the agent: ask again after so long, for `/me` first. */
  | { readonly kind: "probe"; readonly afterMs: number; readonly why: string }
  /** Go on once there are credentials. */
  | { readonly kind: "wait"; readonly why: string };

/** A session that lasts so long was no mere flicker. */
export const SETTLED_MS = 10_000;
/** Wrong credentials rarely get better by themselves, whereas a directory that is just restarting does. */
export const MAX_REFUSALS = 4;
/** A password that is wrong is shown to upstream so rarely in the long run that it hardly locks an account. */
export const PROBES: BackOff = { firstMs: 30_000, longestMs: 15 * 60_000 };

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
    case "unequipped":
      return { kind: "wait", why: end.why };
    case "dismissed":
      return probe(end.why, refusals - MAX_REFUSALS, random);
    case "refused": {
      const waitMs = REFUSAL_WAITS_MS[refusals - 1];
      if (waitMs === undefined) return probe(end.why, refusals - MAX_REFUSALS, random);
      return { kind: "reconnect", afterMs: jittered(waitMs, random), askFirst: true };
    }
    case "csrf":
      // The token is as new as upstream's HTTP session, and asking brings the right one: the first time no wait is needed.
      return {
        kind: "reconnect",
        afterMs: csrfRefusals <= 1 ? 0 : backOffMs(csrfRefusals - 1, BACK_OFF, random),
        askFirst: true,
      };
    case "lost": {
      const losses = failures - FREE_LOSSES;
      if (losses > 0 && end.isUnwelcome) return probe(end.why, losses - 1, random);
      return {
        kind: "reconnect",
        afterMs: losses > 0 ? backOffMs(losses, BACK_OFF, random) : random() * SPREAD_MS,
        askFirst: false,
      };
    }
    case "failed": {
      const waitMs = failures <= 1
        ? random() * SPREAD_MS
        : backOffMs(failures - 1, BACK_OFF, random);
      return {
        kind: "reconnect",
        afterMs: Math.max(waitMs, end.retryAfterMs ?? 0),
        // An upstream that answers wrong credentials with HTTP 200 and a body of its own looks like this, too.
        askFirst: failures > 2,
      };
    }
  }
}

/** `before`: how many probes in a row there have been already. */
function probe(why: string, before: number, random: () => number): NextStep {
  return { kind: "probe", afterMs: backOffMs(before + 1, PROBES, random), why };
}
