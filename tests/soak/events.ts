import { notificationText, sessionOf } from "../support/numbered_notifications.ts";

/** Events to hand in, over sessions in turn. */
export interface Load {
  readonly sessions: number;
  readonly eventsPerSession: number;
}

const BATCH = 50;

export function eventCount({ sessions, eventsPerSession }: Load): number {
  return sessions * eventsPerSession;
}

/** The bodies of the requests that hand in the events from `first` up to `until`. */
export function* batches({ sessions }: Load, first: number, until: number): Generator<string> {
  for (let from = first; from < until; from += BATCH) {
    const marks = Array.from({ length: Math.min(BATCH, until - from) }, (_, n) => from + n);
    const texts = marks.map((mark) => notificationText(mark, sessionOf(mark, sessions)));
    yield `[${texts.join(",")}]`;
  }
}
