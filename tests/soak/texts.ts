/** What agents write, over sessions in turn. */
export interface TextLoad {
  readonly sessions: number;
  readonly texts: number;
}

/** One message of an agent to the customer. */
export interface SaidText {
  readonly sessionId: string;
  /** Of the message within its session; counts from 1. */
  readonly index: number;
  readonly body: string;
}

const BATCH = 25;
/** People repeat themselves, so the words alone must not be what texts are told apart by. */
const SAME_WORDS_EVERY = 5;

export function sessionId(number: number): string {
  return `S${String(number).padStart(4, "0")}`;
}

/** The number of a session's customer. */
export function phoneOf(number: number): string {
  return `+1650200${String(number).padStart(4, "0")}`;
}

/** The texts from `first` up to `until`, in the order in which they are said. */
export function saidTexts({ sessions }: TextLoad, first: number, until: number): SaidText[] {
  return Array.from({ length: until - first }, (_, n) => {
    const number = first + n;
    const session = number % sessions;
    const index = Math.floor(number / sessions) + 1;
    return {
      sessionId: sessionId(session),
      index,
      body: index % SAME_WORDS_EVERY === 0
        ? "Yes, of course"
        : `Text ${index} of session ${session}`,
    };
  });
}

/** The bodies of the requests that hand these texts in, said at that moment. */
export function* textBatches(texts: readonly SaidText[], saidAtMs: number): Generator<string> {
  for (let from = 0; from < texts.length; from += BATCH) {
    const batch = texts.slice(from, from + BATCH);
    yield JSON.stringify(batch.map((text) => notification(text, saidAtMs)));
  }
}

function notification({ sessionId, index, body }: SaidText, saidAtMs: number): object {
  return {
    messageType: "MessageLogUpdated",
    notificationType: "NewMessages",
    smssession: { id: sessionId },
    messages: [{
      index,
      type: "Text",
      text: body,
      from: { type: "Agent", nickname: "Marat", participantId: "009052C5E743004C" },
      visibility: "All",
      timestamp: new Date(saidAtMs).toISOString().replace("Z", "+0000"),
    }],
  };
}
