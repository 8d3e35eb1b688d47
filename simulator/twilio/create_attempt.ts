import type { RecordedRequest } from "../kit/request_log.ts";
import type { TwilioMessage } from "./message.ts";

/** A create that nothing is wrong with, before it is carried out. */
export interface CreateAttempt {
  /** What it would make. */
  readonly message: TwilioMessage;
  readonly request: RecordedRequest;
  /** Aborts when the caller goes away. */
  readonly callerGone: AbortSignal;
  /** Takes the message although another answer is given: from now on the account's list has it. */
  take(): void;
}

/** Decides the answer to a create: a response of its own, or null for the real one. */
export type OnCreate = (attempt: CreateAttempt) => Response | null | Promise<Response | null>;
