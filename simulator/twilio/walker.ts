import { type Clock, pause } from "../../services/support/clock.ts";
import type { Random } from "../kit/simulator.ts";
import type { CallHook } from "./hook_caller.ts";
import type { MessageStatus, MovingMessage, TwilioMessage } from "./message.ts";
import type { Fields } from "./signature.ts";
import { magicOutcome, planWalk, type WalkEvent, type WalkOptions } from "./status_walk.ts";

/** How messages get on. */
export interface Walks {
  /** From now on; null: they stay where they are and nothing is told. With `to`, those to that number alone. */
  set(options: WalkOptions | null, to?: string): void;
  /** Of the next message that has no walk of its own number. */
  next(options: WalkOptions | null): void;
  /** Tells a status of a message, whether it has that status or not. Resolves when that was answered. */
  tell(sid: string, status: MessageStatus, errorCode?: number): Promise<void>;
  /** Resolves when nothing is on its way any more. */
  idle(): Promise<void>;
}

export interface WalkerOptions {
  readonly accountSid: string;
  readonly walk: WalkOptions | null;
  /** The number from which a Messaging Service sends. */
  readonly serviceNumber: () => string;
  readonly callHook: CallHook;
  readonly find: (sid: string) => TwilioMessage | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly closed: AbortSignal;
}

/** Moves messages on, and tells their status callbacks. */
export interface Walker extends Walks {
  /** Sets out with a message that was just taken; resolves when it may be answered for. */
  begin(message: MovingMessage): Promise<void>;
}

export function createWalker(options: WalkerOptions): Walker {
  const { clock, random, closed } = options;
  let standing = options.walk;
  const byNumber = new Map<string, WalkOptions | null>();
  const coming: (WalkOptions | null)[] = [];
  const underWay = new Set<Promise<void>>();

  function walkFor({ to }: TwilioMessage): WalkOptions | null {
    const own = byNumber.get(to);
    if (own !== undefined) return own;
    const walk = coming.length > 0 ? coming.shift() ?? null : standing;
    return walk === null ? null : { ...walk, ...magicOutcome(to) };
  }

  async function tell(
    message: TwilioMessage,
    { status, errorCode }: Pick<WalkEvent, "status" | "errorCode">,
  ): Promise<void> {
    if (message.statusCallback === null) return;
    const fields = callbackFields(options.accountSid, message, status, errorCode, clock.now());
    await options.callHook("status", message.statusCallback, fields);
  }

  async function play(message: MovingMessage, event: WalkEvent): Promise<void> {
    if (event.kind === "callback") return await tell(message, event);
    message.status = event.status;
    message.errorCode = event.errorCode;
    message.updatedAtMs = clock.now();
    if (event.status === "sent") message.sentAtMs = clock.now();
    message.from ??= options.serviceNumber();
  }

  /** One after the other: a callback that is slow to be answered holds up what comes after it. */
  async function walk(message: MovingMessage, events: readonly WalkEvent[]): Promise<void> {
    for (const event of events) {
      const waitMs = message.createdAtMs + event.afterMs - clock.now();
      if (waitMs > 0) await pause(clock, waitMs, closed);
      if (closed.aborted) return;
      await play(message, event);
    }
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  }

  return {
    async begin(message) {
      const wanted = walkFor(message);
      if (wanted === null) return;
      const events = planWalk(message.status, wanted, random);
      if (wanted.early !== true) return track(afterAnswer().then(() => walk(message, events)));
      const first = events.findIndex(({ kind }) => kind === "callback") + 1;
      await walk(message, events.slice(0, first));
      track(walk(message, events.slice(first)));
    },
    set(walk, to) {
      if (to === undefined) standing = walk;
      else byNumber.set(to, walk);
    },
    next: (walk) => void coming.push(walk),
    async tell(sid, status, errorCode) {
      const message = options.find(sid);
      if (message === undefined) {
        throw new Error(`Cannot tell a status of ${sid}: there is no such message`);
      }
      await tell(message, { status, errorCode: errorCode ?? null });
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** Lets the answer to the create request be made first: it shows the message as it was taken. */
function afterAnswer(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(resolve));
}

/** https://www.twilio.com/docs/messaging/guides/track-outbound-message-status; there is no time in it. */
function callbackFields(
  accountSid: string,
  message: TwilioMessage,
  status: MessageStatus,
  errorCode: number | null,
  nowMs: number,
): Fields {
  const isReceipt = status === "delivered" || status === "undelivered";
  return {
    AccountSid: accountSid,
    ApiVersion: "2010-04-01",
    From: message.from ?? "",
    MessageSid: message.sid,
    MessageStatus: status,
    SmsSid: message.sid,
    SmsStatus: status,
    To: message.to,
    ...(message.messagingServiceSid !== null &&
      { MessagingServiceSid: message.messagingServiceSid }),
    ...(errorCode !== null && { ErrorCode: String(errorCode) }),
    ...(isReceipt && { RawDlrDoneDate: receiptTime(nowMs) }),
  };
}

/** `YYMMDDhhmm`, as SMPP writes it. */
function receiptTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(2, 16).replace(/\D/g, "");
}
