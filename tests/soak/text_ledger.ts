import type { SaidText } from "./texts.ts";

/** What Patchbay shows of a text (`/v1/deliveries/{id}`). */
export interface ShownDelivery {
  readonly sessionId: string;
  readonly messageIndex: number;
  readonly status: string;
  /** The detail of its last attempt; null: there is none. */
  readonly reason: string | null;
}

export interface TextAccount {
  readonly said: readonly SaidText[];
  /** What Twilio has taken, in its order; the session is told by the customer's number. */
  readonly taken: readonly { readonly sessionId: string; readonly body: string }[];
  readonly deliveries: readonly ShownDelivery[];
}

export interface TextVerdict {
  /** What was not kept, in words; the first few of each kind. */
  readonly faults: readonly string[];
  readonly delivered: number;
  readonly unknown: number;
  readonly dead: number;
}

const FAULTS_TOLD = 20;
const FINAL: ReadonlySet<string> = new Set(["delivered", "unknown", "dead"]);

/**
 * Whether the promise about texts was kept (DESIGN §10): each is at Twilio at most once and in order, what counts as
 * delivered is there, what counts as dead is not, and what is missing is `unknown` or `dead` with a reason.
 */
export function judgeTexts({ said, taken, deliveries }: TextAccount): TextVerdict {
  const bySession = Map.groupBy(deliveries, ({ sessionId }) => sessionId);
  const takenBySession = Map.groupBy(taken, ({ sessionId }) => sessionId);
  const faults = [...Map.groupBy(said, ({ sessionId }) => sessionId)].flatMap(([id, texts]) =>
    sessionFaults(
      id,
      texts,
      (takenBySession.get(id) ?? []).map(({ body }) => body),
      new Map((bySession.get(id) ?? []).map((shown) => [shown.messageIndex, shown])),
    )
  );
  const count = (status: string) => deliveries.filter((shown) => shown.status === status).length;
  return {
    faults: faults.slice(0, FAULTS_TOLD),
    delivered: count("delivered"),
    unknown: count("unknown"),
    dead: count("dead"),
  };
}

function sessionFaults(
  id: string,
  texts: readonly SaidText[],
  taken: readonly string[],
  deliveries: ReadonlyMap<number, ShownDelivery>,
): string[] {
  return [
    ...texts.flatMap((text) => {
      const fault = deliveryFault(deliveries.get(text.index));
      return fault === null ? [] : [`${id}: text ${text.index} ${fault}`];
    }),
    ...countFaults(texts, taken, deliveries).map((fault) => `${id}: ${fault}`),
    ...orderFaults(texts, taken).map((fault) => `${id}: ${fault}`),
  ];
}

function deliveryFault(shown: ShownDelivery | undefined): string | null {
  if (shown === undefined) return "has no delivery";
  const { status, reason } = shown;
  if (!FINAL.has(status)) return `is still ${status}`;
  return status !== "delivered" && !reason ? `is ${status} without a reason` : null;
}

/** For each wording, as some are said more than once. */
function countFaults(
  texts: readonly SaidText[],
  taken: readonly string[],
  deliveries: ReadonlyMap<number, ShownDelivery>,
): string[] {
  return [...Map.groupBy(texts, ({ body }) => body)].flatMap(([body, same]) => {
    const statuses = same.map(({ index }) => deliveries.get(index)?.status);
    const delivered = statuses.filter((status) => status === "delivered").length;
    const dead = statuses.filter((status) => status === "dead").length;
    const there = taken.filter((text) => text === body).length;
    const found = `"${body}" is at Twilio ${there} times`;
    if (there > same.length) return [`${found}, and was said ${same.length} times`];
    if (there > same.length - dead) {
      return [`${found}, although ${dead} of ${same.length} are dead`];
    }
    return there < delivered ? [`${found}, and counts as delivered ${delivered} times`] : [];
  });
}

/** Twilio's texts have to be the said ones with some left out. */
function orderFaults(texts: readonly SaidText[], taken: readonly string[]): string[] {
  let next = 0;
  for (const [at, body] of taken.entries()) {
    const found = texts.findIndex((text, index) => index >= next && text.body === body);
    if (found < 0) return [`"${body}" came out of order, as number ${at + 1}`];
    next = found + 1;
  }
  return [];
}
