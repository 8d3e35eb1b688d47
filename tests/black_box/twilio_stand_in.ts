import { type Arrivals, createArrivals } from "./arrivals.ts";
import { type Exchange, serveStandIn } from "./stand_in.ts";

/** A text that Twilio was asked to send. */
export interface SentText extends Pick<Exchange, "over"> {
  readonly to: string | null;
  readonly from: string | null;
  readonly body: string;
  readonly authorization: string | null;
  /** What Twilio would call the message. */
  readonly sid: string;
}

export type TwilioAnswer = (text: SentText) => Response | Promise<Response>;

/** Twilio's `Messages.json` on loopback: it takes every text unless told otherwise, and knows no earlier ones. */
export interface TwilioStandIn extends AsyncDisposable {
  readonly url: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly texts: Arrivals<SentText>;
  /** The first text with exactly this body, come or still to come. */
  asked(body: string, withinMs?: number): Promise<SentText>;
  /** How often it was asked to send a text with exactly this body. */
  count(body: string): number;
  /** From now on texts with this body are answered so. */
  answer(body: string, answer: TwilioAnswer): void;
}

const ACCOUNT_SID = `AC${"0123456789abcdef".repeat(2)}`;

export function startTwilioStandIn(): TwilioStandIn {
  const texts = createArrivals<SentText>(({ to, body }) => `${JSON.stringify(body)} to ${to}`);
  const answers = new Map<string, TwilioAnswer>();
  const messages = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`;

  const server = serveStandIn(async ({ request: seen, over }) => {
    if (new URL(seen.url).pathname !== messages) return twilioError(404, 20404);
    if (seen.method === "GET") return Response.json({ messages: [], next_page_uri: null });
    const form = new URLSearchParams(await seen.text());
    const sid = `SM${String(texts.items.length).padStart(32, "0")}`;
    const text: SentText = {
      to: form.get("To"),
      from: form.get("From"),
      body: form.get("Body") ?? "",
      authorization: seen.headers.get("authorization"),
      sid,
      over,
    };
    texts.add(text);
    return await (answers.get(text.body) ?? taken)(text);
  });

  return {
    url: server.origin,
    accountSid: ACCOUNT_SID,
    authToken: "a-twilio-auth-token",
    texts,
    asked: (body, withinMs) =>
      texts.until(
        `the text ${JSON.stringify(body)} at Twilio`,
        (items) => items.find((text) => text.body === body),
        withinMs,
      ),
    count: (body) => texts.items.filter((text) => text.body === body).length,
    answer: (body, answer) => void answers.set(body, answer),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Twilio's answer to a message that it has queued. */
export function taken({ sid, to, from, body }: SentText): Response {
  return Response.json({
    account_sid: ACCOUNT_SID,
    sid,
    to,
    from,
    body,
    status: "queued",
    direction: "outbound-api",
    num_segments: "1",
    num_media: "0",
    error_code: null,
    error_message: null,
  }, { status: 201 });
}

/** Twilio's answer to a message that it has not taken. */
export function twilioError(status: number, code: number): Response {
  return Response.json({
    status,
    code,
    message: `Error ${code}`,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
  }, { status });
}
