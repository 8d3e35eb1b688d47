import { type Arrivals, createArrivals } from "./arrivals.ts";
import { type Exchange, serveStandIn } from "./stand_in.ts";

/** A text that Twilio was asked to send. */
export interface SentText extends Pick<Exchange, "over"> {
  readonly to: string | null;
  readonly from: string | null;
  readonly body: string;
  readonly authorization: string | null;
  /** Where Twilio is to tell what becomes of it. */
  readonly statusCallback: string | null;
  /** What Twilio would call the message. */
  readonly sid: string;
}

export type TwilioAnswer = (text: SentText) => Response | Promise<Response>;

/** Twilio's `Messages.json` on loopback: it takes every text unless told otherwise, and lists those it is told to. */
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
  /** From now on the account's list of messages has this text, created when this is called. */
  list(text: SentText): void;
  /** How often the list was asked for with this number as `To`. */
  lookUps(to: string): number;
}

const ACCOUNT_SID = `AC${"0123456789abcdef".repeat(2)}`;

export function startTwilioStandIn(): TwilioStandIn {
  const texts = createArrivals<SentText>(({ to, body }) => `${JSON.stringify(body)} to ${to}`);
  const answers = new Map<string, TwilioAnswer>();
  const listed: ListedMessage[] = [];
  const lookedUp: (string | null)[] = [];
  const messages = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`;

  const server = serveStandIn(async ({ request: seen, over }) => {
    if (new URL(seen.url).pathname !== messages) return twilioError(404, 20404);
    if (seen.method === "GET") {
      const { searchParams } = new URL(seen.url);
      lookedUp.push(searchParams.get("To"));
      return listOf(listed, searchParams);
    }
    const form = new URLSearchParams(await seen.text());
    const sid = `SM${String(texts.items.length).padStart(32, "0")}`;
    const text: SentText = {
      to: form.get("To"),
      from: form.get("From"),
      body: form.get("Body") ?? "",
      authorization: seen.headers.get("authorization"),
      statusCallback: form.get("StatusCallback"),
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
    list: (text) => void listed.unshift(messageOf(text)),
    lookUps: (to) => lookedUp.filter((asked) => asked === to).length,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Twilio's answer to a message that it has queued. */
export function taken(text: SentText): Response {
  return Response.json(messageOf(text), { status: 201 });
}

type ListedMessage = ReturnType<typeof messageOf>;

/** https://www.twilio.com/docs/messaging/api/message-resource: times are RFC 2822. */
function messageOf({ sid, to, from, body }: SentText) {
  const now = new Date().toUTCString().replace("GMT", "+0000");
  return {
    account_sid: ACCOUNT_SID,
    sid,
    to,
    from,
    body,
    status: "queued",
    direction: "outbound-api",
    date_created: now,
    date_updated: now,
    date_sent: null,
    num_segments: "1",
    num_media: "0",
    error_code: null,
    error_message: null,
  };
}

/** One page with what `To` and `From` ask for; all of it is of today, so no date leaves anything out. */
function listOf(listed: readonly ListedMessage[], asked: URLSearchParams): Response {
  const matches = (name: string, value: string | null) =>
    asked.get(name) === null || asked.get(name) === value;
  const messages = listed.filter(({ to, from }) => matches("To", to) && matches("From", from));
  return Response.json({
    messages,
    page: 0,
    page_size: 50,
    start: 0,
    end: Math.max(0, messages.length - 1),
    uri: `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`,
    next_page_uri: null,
    previous_page_uri: null,
  });
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
