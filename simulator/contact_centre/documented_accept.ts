import * as v from "valibot";
import type { Centre, Person, Session, WireMessage } from "./model.ts";
import { phoneData } from "./new_session.ts";
import type { Outcome } from "./outcome.ts";

/** Where the published sample of Accept lies: its request, its answer and its three notifications, value for value. */
export const SAMPLES = new URL("./samples/", import.meta.url);

/** The session of the sample request. */
const DOCUMENTED_REQUEST_SESSION = "0071023821aec011";
/** The session that the sample's notifications are about; on the page it is not the one of the request. */
const DOCUMENTED_NOTIFICATION_SESSION = "0000Na9B26EF002X";

const NOTIFICATION_FILES = [
  "notification_1_status_change.json",
  "notification_2_participants_updated.json",
  "notification_3_new_messages.json",
];

const notificationSchema = v.record(v.string(), v.unknown());
const messagesSchema = v.looseObject({ messages: v.array(v.looseObject({ index: v.number() })) });

/** The published sample of Accept, read from its files. */
export interface DocumentedAccept {
  /** The answer's very text. */
  readonly answerJson: string;
  readonly notifications: readonly Readonly<Record<string, unknown>>[];
  readonly messages: readonly WireMessage[];
}

/** Reads the sample; throws when a file is missing or not what it should be. */
export async function readDocumentedAccept(samplesDir: string): Promise<DocumentedAccept> {
  const read = (name: string) => Deno.readTextFile(`${samplesDir}/${name}`);
  const texts = await Promise.all(NOTIFICATION_FILES.map(read));
  const notifications = texts.map((text) => v.parse(notificationSchema, JSON.parse(text)));
  const { messages } = v.parse(messagesSchema, notifications.at(-1));
  return { answerJson: await read("accept_response.json"), notifications, messages };
}

/**
 * Adds the sample's two sessions. Accept of the first answers and tells exactly what the page shows, and puts the
 * agent into the second one too: there the conversation goes on, with the sample's six messages behind it.
 */
export function addDocumentedSessions(
  centre: Centre,
  { answerJson, notifications, messages }: DocumentedAccept,
  { customerPhone }: { readonly customerPhone: string },
): void {
  const common = () => ({
    customer: documentedPerson("Customer", null),
    customerPresent: true,
    userData: phoneData(customerPhone),
    receivedAtMs: centre.clock.now(),
    log: [...messages],
    seats: new Map(),
  });
  const talk: Session = { ...common(), id: DOCUMENTED_NOTIFICATION_SESSION, offers: [] };
  const asked: Session = {
    ...common(),
    id: DOCUMENTED_REQUEST_SESSION,
    offers: [{ visibility: "All", declinedBy: new Set() }],
    scriptedAccept(agentId): Outcome {
      for (const { seats } of [asked, talk]) {
        const person = documentedPerson("Agent", agentId);
        seats.set(agentId, { agentId, state: "Chatting", person });
      }
      return {
        kind: "done",
        verbatimAnswer: answerJson,
        notifications: notifications.map((notification) => ({ agentId, notification })),
      };
    },
  };
  for (const session of [asked, talk]) centre.sessions.set(session.id, session);
}

/** The people of the sample; the agent as the last message has it. */
function documentedPerson(type: "Agent" | "Customer", agentId: string | null): Person {
  return type === "Agent"
    ? { type, nickname: "Marat", participantId: "009052C5EF51004D", visibility: "All", agentId }
    : { type, nickname: "PersonP", participantId: "009052C5E6D6004A", visibility: "All", agentId };
}
