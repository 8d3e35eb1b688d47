import type { Percentiles } from "./percentiles.ts";

/** What is aimed at (on two cores, with Redis on loopback). */
export const TARGETS = {
  acceptP95Ms: 25,
  firstByteP95Ms: 50,
  eventsPerSecond: 3_000,
  isolationShare: 0.1,
  /** On Upstash, where they are paid for. */
  commandsPerEvent: 6,
  idleCommandsPerMinute: 2,
} as const;

const LABEL_WIDTH = 36;

/** One line: what was measured, the figures, and what is aimed at where there is such a thing. */
export function line(label: string, figures: string, target?: Verdict): string {
  const verdict = target === undefined
    ? ""
    : `   target ${target.text}: ${target.met ? "met" : "MISSED"}`;
  return `  ${label.padEnd(LABEL_WIDTH)}${figures}${verdict}`;
}

/** A target, and whether the figure is within it. */
export interface Verdict {
  readonly text: string;
  readonly met: boolean;
}

export function percentilesText({ p50, p95, p99 }: Percentiles): string {
  return `p50 ${ms(p50)}   p95 ${ms(p95)}   p99 ${ms(p99)}`;
}

export function atMost(p95Ms: number, targetMs: number): Verdict {
  return { text: `p95 ≤ ${targetMs} ms`, met: p95Ms <= targetMs };
}

/** Milliseconds, to be read in columns. */
export function ms(value: number): string {
  return `${value.toFixed(1).padStart(6)} ms`;
}

/** `+4.2 %` */
export function shareText(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(1)} %`;
}
