/** The simulated Twilio with a script: what a test wants to see of each text that it is asked to send, and how it answers. */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import { untilAborted } from "../../simulator/kit/until_aborted.ts";
import { errorBody } from "../../simulator/twilio/api_error.ts";
import type { CreateAttempt } from "../../simulator/twilio/create_attempt.ts";
import { startTwilio, type TwilioOptions } from "../../simulator/twilio/server.ts";
import type { Twilio } from "../../simulator/twilio/twilio.ts";

/** A text that Twilio was asked to send. */
export interface SentText {
  readonly to: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly authorization: string | null;
  /** Where Twilio is to tell what becomes of it. */
  readonly statusCallback: string | null;
  /** What Twilio calls the message, or would call it. */
  readonly sid: string;
  /** Resolves when Patchbay hangs up, at the latest when Twilio closes. */
  readonly over: Promise<void>;
  /** Takes it although another answer is given: from now on the account's list has it. */
  take(): void;
}

/** Null: Twilio takes the text. */
export type TwilioAnswer = (text: SentText) => Response | null | Promise<Response | null>;

export interface ScriptedTwilio extends Pick<Twilio, "url" | "accountSid" | "authToken" | "media"> {
  readonly requests: Twilio["requests"];
  readonly faults: Twilio["faults"];
  readonly texts: Inbox<SentText>;
  /** The first text with exactly this body, come or still to come. */
  asked(body: string, timeoutMs?: number): Promise<SentText>;
  /** How often it was asked to send a text with exactly this body. */
  count(body: string): number;
  /** From now on texts with this body are answered so. */
  answer(body: string, answer: TwilioAnswer): void;
  /** How often the list was asked for with this number as `To`. */
  lookUps(to: string): number;
  [Symbol.asyncDispose](): PromiseLike<void>;
}

/** Starts one on loopback. `answer` is for texts that have no answer of their own; without it every text is taken. */
export async function startScriptedTwilio(
  answer: TwilioAnswer = () => null,
  options: TwilioOptions = {},
): Promise<ScriptedTwilio> {
  const answers = new Map<string, TwilioAnswer>();
  const texts = createInbox<SentText>("text", {
    describe: ({ to, body }) => `${JSON.stringify(body)} to ${to}`,
  });
  const twilio = await startTwilio({
    authToken: "a-twilio-auth-token",
    ...options,
    onCreate(attempt) {
      const text = readText(attempt);
      texts.add(text);
      return (answers.get(text.body) ?? answer)(text);
    },
  });
  const { url, accountSid, authToken, requests, faults, media } = twilio;
  return {
    url,
    accountSid,
    authToken,
    requests,
    faults,
    media,
    texts,
    asked: (body, timeoutMs) =>
      texts.until(
        `the text ${JSON.stringify(body)} at Twilio`,
        (items) => items.find((text) => text.body === body),
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
    count: (body) => texts.items.filter((text) => text.body === body).length,
    answer: (body, own) => void answers.set(body, own),
    lookUps: (to) =>
      requests.items.filter(({ method, path }) =>
        method === "GET" && new URL(path, url).searchParams.get("To") === to
      ).length,
    [Symbol.asyncDispose]: () => twilio.close(),
  };
}

/** Twilio's answer to a text that it has not taken. Like the real one it quotes a number. */
export function twilioError(
  status: number,
  code: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const message = "Something is wrong with '+16501111111'";
  return Response.json(errorBody({ status, code, message }), { status, headers });
}

function readText({ message, request, callerGone, take }: CreateAttempt): SentText {
  return {
    to: message.to,
    from: message.from,
    messagingServiceSid: message.messagingServiceSid,
    body: message.body,
    authorization: request.headers.get("authorization"),
    statusCallback: message.statusCallback,
    sid: message.sid,
    over: untilAborted(callerGone),
    take,
  };
}
