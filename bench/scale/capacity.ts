/** Bytes that one of each takes in a store. */
export interface BytesEach {
  /** A mapped session with its `session.accepted`. */
  readonly session: number;
  /** An event with a notification of some 600 bytes. */
  readonly event: number;
  /** A delivery that waits, its lane included. */
  readonly pending: number;
  /** One that was delivered at once, its attempt included. */
  readonly delivered: number;
  readonly webhook: number;
}

/** What is kept at once, when every day is like the other. */
export interface Load {
  readonly sessionsPerDay: number;
  readonly eventsPerSession: number;
  /** That get each event. */
  readonly webhooks: number;
  /** `EVENT_RETENTION_S`, in days. */
  readonly retentionDays: number;
}

export const LOADS: readonly Load[] = [
  { sessionsPerDay: 1_000, eventsPerSession: 20, webhooks: 1, retentionDays: 7 },
  { sessionsPerDay: 10_000, eventsPerSession: 20, webhooks: 1, retentionDays: 7 },
  { sessionsPerDay: 10_000, eventsPerSession: 20, webhooks: 2, retentionDays: 7 },
  { sessionsPerDay: 10_000, eventsPerSession: 20, webhooks: 2, retentionDays: 30 },
  { sessionsPerDay: 100_000, eventsPerSession: 20, webhooks: 2, retentionDays: 3 },
  { sessionsPerDay: 100_000, eventsPerSession: 20, webhooks: 2, retentionDays: 7 },
];

/** Gigabytes (10⁹) for that, with every delivery delivered. Sessions count as mapped for the whole retention. */
export function gigabytes(each: BytesEach, load: Load): number {
  const { sessionsPerDay, eventsPerSession, webhooks, retentionDays } = load;
  const perEvent = each.event + webhooks * each.delivered;
  return sessionsPerDay * retentionDays * (each.session + eventsPerSession * perEvent) / 1e9;
}

/** What was measured of one engine. */
export interface Column {
  readonly name: string;
  readonly each: BytesEach;
}

const ROWS: readonly (readonly [keyof BytesEach, string])[] = [
  ["session", "mapped session, with its `session.accepted`"],
  ["event", "event with a notification of 600 bytes"],
  ["pending", "delivery that waits"],
  ["delivered", "delivery that was delivered"],
  ["webhook", "webhook"],
];

/** The bytes as a Markdown table. */
export function bytesTable(columns: readonly Column[]): string {
  return table(
    ["bytes of one", ...columns.map(({ name }) => name)],
    ROWS.map(([key, what]) => [what, ...columns.map(({ each }) => wholeNumber(each[key]))]),
  );
}

/** What they make for {@link LOADS}, as a Markdown table. */
export function capacityTable(columns: readonly Column[]): string {
  return table(
    ["sessions a day", "events each", "webhooks", "days kept", ...columns.map(({ name }) => name)],
    LOADS.map((load) => [
      wholeNumber(load.sessionsPerDay),
      wholeNumber(load.eventsPerSession),
      wholeNumber(load.webhooks),
      wholeNumber(load.retentionDays),
      ...columns.map(({ each }) => `${gigabytes(each, load).toPrecision(2)} GB`),
    ]),
  );
}

function wholeNumber(number: number): string {
  return Math.round(number).toLocaleString("en");
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map((_, at) => (at === 0 ? "---" : "--:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
