import type { Random } from "../kit/simulator.ts";
import type { MessageStatus } from "./message.ts";

/** How messages get on after they were taken, and what is told of it. */
export interface WalkOptions {
  /** Where the walk ends. `sent`: nothing more is heard; `queued`: it stays where it began. Default `delivered`. */
  readonly outcome?: "queued" | "sent" | "delivered" | "undelivered" | "failed";
  /** Of `undelivered` and `failed`; 30003 unless told otherwise. */
  readonly errorCode?: number;
  /** From one status to the next; 0 unless told otherwise. */
  readonly stepMs?: number;
  /** Tells the statuses in a random order. */
  readonly shuffled?: boolean;
  /** The chances, 0 to 1, that a callback is sent twice, not at all, or `delayMs` (1000) late. */
  readonly doubled?: number;
  readonly dropped?: number;
  readonly delayed?: number;
  readonly delayMs?: number;
  /** The first callback is sent, and answered, before the answer to the create request. */
  readonly early?: boolean;
}

/** Something that happens to a message, so long after it was taken. */
export interface WalkEvent {
  readonly afterMs: number;
  /** `step`: it gets there; `callback`: that is told. */
  readonly kind: "step" | "callback";
  readonly status: MessageStatus;
  readonly errorCode: number | null;
}

const PATHS: Record<NonNullable<WalkOptions["outcome"]>, readonly MessageStatus[]> = {
  queued: [],
  sent: ["sending", "sent"],
  delivered: ["sending", "sent", "delivered"],
  undelivered: ["sending", "sent", "undelivered"],
  failed: ["failed"],
};
const UNREACHABLE_HANDSET = 30003;
const DELAY_MS = 1_000;

/** What is going to happen to a message, in order. The status that the create request is answered with is not told again. */
export function planWalk(
  first: MessageStatus,
  options: WalkOptions,
  random: Random,
): readonly WalkEvent[] {
  const { outcome = "delivered", stepMs = 0 } = options;
  const path = [...(first === "accepted" ? ["queued" as const] : []), ...PATHS[outcome]];
  const steps = path.map((status, index): WalkEvent => ({
    afterMs: stepMs * (index + 1),
    kind: "step",
    status,
    errorCode: isBad(status) ? options.errorCode ?? UNREACHABLE_HANDSET : null,
  }));
  const told = options.shuffled === true ? withTimesOf(shuffle(steps, random), steps) : steps;
  const callbacks = told.flatMap((step) => callbacksOf(step, options, random));
  return [...steps, ...callbacks].toSorted((a, b) => a.afterMs - b.afterMs);
}

function isBad(status: MessageStatus): boolean {
  return status === "undelivered" || status === "failed";
}

function callbacksOf(
  step: WalkEvent,
  { doubled = 0, dropped = 0, delayed = 0, delayMs = DELAY_MS }: WalkOptions,
  random: Random,
): WalkEvent[] {
  // Each is drawn, whatever the others say: so one chance more does not change what the seed makes of the rest.
  const [isDropped, isDoubled, isDelayed] = [dropped, doubled, delayed]
    .map((chance) => random() < chance);
  if (isDropped) return [];
  const afterMs = step.afterMs + (isDelayed ? delayMs : 0);
  const callback: WalkEvent = { ...step, kind: "callback", afterMs };
  return isDoubled ? [callback, callback] : [callback];
}

/** The first list in its order, at the times of the second. */
function withTimesOf(
  events: readonly WalkEvent[],
  timed: readonly WalkEvent[],
): readonly WalkEvent[] {
  return events.map((event, index) => ({ ...event, afterMs: timed[index]?.afterMs ?? 0 }));
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
}

/** Numbers whose texts fail after they were taken, whatever is set: `+15005`, the code, then 0 (failed) or 1 (undelivered). */
const MAGIC_TO = /^\+15005(3\d{4})([01])$/;

/** The end that a recipient's number asks for; null for every other number. */
export function magicOutcome(to: string): Pick<WalkOptions, "outcome" | "errorCode"> | null {
  const [, code, kind] = MAGIC_TO.exec(to) ?? [];
  if (code === undefined) return null;
  return { outcome: kind === "0" ? "failed" : "undelivered", errorCode: Number(code) };
}
