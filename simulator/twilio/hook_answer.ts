/** What an answer to an inbound text makes Twilio send to the customer. */
export type HookAnswer =
  | { readonly kind: "read"; readonly replies: readonly AskedReply[] }
  /** Of a type that Twilio does not take. */
  | { readonly kind: "unreadable" };

export interface AskedReply {
  readonly why: "twiml" | "plain-text";
  readonly body: string;
}

const XML = /^(?:text|application)\/xml\b/i;
const PLAIN = /^text\/plain\b/i;
const MESSAGE = /<Message\b[^>]*>(.*?)<\/Message>/gs;
const BODY = /<Body\b[^>]*>(.*?)<\/Body>/s;

/**
 * Reads the answer as Twilio does: TwiML is done, and plain text is sent to the customer as it is (people really got texts
 * that said "OK"). Of TwiML it understands `<Message>` alone.
 */
export function readAnswer(
  { contentType, body }: { readonly contentType: string; readonly body: string },
): HookAnswer {
  if (body.trim() === "") return { kind: "read", replies: [] };
  if (PLAIN.test(contentType)) return { kind: "read", replies: [{ why: "plain-text", body }] };
  if (!XML.test(contentType)) return { kind: "unreadable" };
  const replies = [...body.matchAll(MESSAGE)].map(([, content = ""]): AskedReply => ({
    why: "twiml",
    body: unescapeXml((BODY.exec(content)?.[1] ?? content).trim()),
  }));
  return { kind: "read", replies };
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (whole, name) => ENTITIES[name] ?? whole);
}
