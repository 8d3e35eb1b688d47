import type { Clock } from "../support/clock.ts";
import type { SinkSettings } from "../delivery/governor.ts";
import type { Logger } from "../support/log.ts";
import { SMS_SINK } from "../store/port/deliveries.ts";
import type { Listing } from "./provider.ts";

/** Whether a text may go to the provider now. */
export type Leave =
  | { readonly kind: "go" }
  /** Sending is stopped, and it is time to ask the provider whether it has become possible again: {@link SendingSwitch.reopen}. */
  | { readonly kind: "probe" }
  | { readonly kind: "wait"; readonly untilMs: number };

/**
 * Stops all sending of this process while the provider refuses the account itself (wrong credentials, a suspension). Every
 * text would fail alike, and an operator has to act; meanwhile texts wait where they are.
 */
export interface SendingSwitch {
  /** To be asked before each call of the provider. When a probe is due, one of those who ask is told so. */
  ask(): Leave;
  /** The provider has refused the account with this code, when a text was sent or in a report. */
  close(code: number): void;
  /** The provider has accepted the account. */
  reopen(): void;
  /** The code that stopped it; null while texts may go. For readiness. */
  stoppedBy(): number | null;
  /** What the delivery engine's governor is to be told, so that texts are not even claimed meanwhile. */
  sinkSettings(concurrency: number): SinkSettings;
}

export const FIRST_PROBE_MS = 60_000;
export const LONGEST_PROBE_MS = 600_000;
/** How long one probe may take before the next is let through: longer than a request to the provider lasts. */
const PROBE_TAKES_MS = 60_000;
/** Stopped again within this after it was reopened: the same trouble, so the waits go on growing. */
const SAME_TROUBLE_MS = 600_000;

interface Stop {
  readonly code: number;
  readonly waitMs: number;
  readonly untilMs: number;
}

/** An open switch. It sets no timers: whoever delivers asks again. */
export function createSendingSwitch(
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): SendingSwitch {
  let stop: Stop | null = null;
  let probing = false;
  let last = { waitMs: 0, reopenedAtMs: -Infinity };

  function nextWaitMs(): number {
    const grown = stop ?? (clock.now() - last.reopenedAtMs < SAME_TROUBLE_MS ? last : null);
    return grown === null ? FIRST_PROBE_MS : Math.min(grown.waitMs * 2, LONGEST_PROBE_MS);
  }

  return {
    ask() {
      if (stop === null) return { kind: "go" };
      const nowMs = clock.now();
      if (nowMs < stop.untilMs) return { kind: "wait", untilMs: stop.untilMs };
      // A probe that is never heard of again, because its attempt was cut off, must not keep the switch closed.
      stop = { ...stop, untilMs: nowMs + PROBE_TAKES_MS };
      probing = true;
      return { kind: "probe" };
    },
    close(code) {
      // Texts that were under way when the first one was refused say nothing new.
      if (stop !== null && !probing) return;
      const waitMs = nextWaitMs();
      probing = false;
      stop = { code, waitMs, untilMs: clock.now() + waitMs };
      log.error("sms.stopped", { errorCode: code, askAgainInMs: waitMs });
    },
    reopen() {
      if (stop === null) return;
      log.info("sms.resumed", { errorCode: stop.code });
      last = { waitMs: stop.waitMs, reopenedAtMs: clock.now() };
      stop = null;
      probing = false;
    },
    stoppedBy: () => stop?.code ?? null,
    sinkSettings: (concurrency) => ({
      sinkId: SMS_SINK,
      concurrency: stop === null ? concurrency : 1,
      rate: null,
      ...(stop !== null && { closedUntilMs: stop.untilMs }),
    }),
  };
}

/** Null: a text may go. `probe` reads something that the provider shows only to those it accepts. */
export async function passSwitch(
  sendingSwitch: SendingSwitch,
  probe: () => Promise<Listing>,
): Promise<{ readonly untilMs: number } | null> {
  const leave = sendingSwitch.ask();
  if (leave.kind === "go") return null;
  if (leave.kind === "wait") return leave;
  const listing = await probe();
  if (listing.kind === "listed") {
    sendingSwitch.reopen();
    return null;
  }
  sendingSwitch.close(sendingSwitch.stoppedBy() ?? listing.code ?? 0);
  return passSwitch(sendingSwitch, probe);
}
