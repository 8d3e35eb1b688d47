import { type ApiError, refuse } from "./api_error.ts";
import { messageResource, type TwilioMessage } from "./message.ts";

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 1000;
const DAY_MS = 86_400_000;

type Filter = (message: TwilioMessage) => boolean;

/** One page of `GET …/Messages.json`, newest first. */
export function listMessages(
  accountSid: string,
  messages: readonly TwilioMessage[],
  query: URLSearchParams,
): { readonly kind: "good"; readonly page: Record<string, unknown> } | ApiError {
  const filters = readFilters(query);
  if ("kind" in filters) return filters;
  const pageSize = readPageSize(query);
  const page = Number(query.get("Page") ?? "0") || 0;
  const matching = messages.filter((message) => filters.every((filter) => filter(message)))
    .toReversed();
  // The token names the last message of the page before, so that what arrives meanwhile moves nothing.
  const after = query.get("PageToken")?.replace(/^PA/, "");
  const from = after === undefined ? 0 : matching.findIndex(({ sid }) => sid === after) + 1;
  const shown = matching.slice(from, from + pageSize);
  const last = shown.at(-1);
  const hasNext = from + pageSize < matching.length && last !== undefined;
  const uri = (number: number, token?: string) =>
    pageUri(accountSid, query, { pageSize, number, token });
  return {
    kind: "good",
    page: {
      end: Math.max(0, page * pageSize + shown.length - 1),
      first_page_uri: uri(0),
      messages: shown.map((message) => messageResource(accountSid, message)),
      next_page_uri: hasNext ? uri(page + 1, `PA${last.sid}`) : null,
      page,
      page_size: pageSize,
      previous_page_uri: page === 0 ? null : uri(page - 1),
      start: page * pageSize,
      uri: uri(page, query.get("PageToken") ?? undefined),
    },
  };
}

function readPageSize(query: URLSearchParams): number {
  const wanted = Number(query.get("PageSize") ?? DEFAULT_PAGE_SIZE);
  return Number.isInteger(wanted) && wanted > 0
    ? Math.min(wanted, LARGEST_PAGE_SIZE)
    : DEFAULT_PAGE_SIZE;
}

/**
 * `DateSent=` names a day; `DateSent<=` and `DateSent>=` arrive as fields called `DateSent<` and `DateSent>`.
 * One that has not left the queue counts as sent when it was created.
 */
function readFilters(query: URLSearchParams): readonly Filter[] | ApiError {
  const filters: Filter[] = [];
  const [to, from] = [query.get("To"), query.get("From")];
  if (to) filters.push((message) => message.to === to);
  if (from) filters.push((message) => message.from === from);
  const byDate: Record<string, (atMs: number) => Filter> = {
    "DateSent": (day) => (message) => leftAt(message) >= day && leftAt(message) < day + DAY_MS,
    "DateSent<": (end) => (message) => leftAt(message) <= end,
    "DateSent>": (start) => (message) => leftAt(message) >= start,
  };
  for (const [name, filterFor] of Object.entries(byDate)) {
    const text = query.get(name);
    if (!text) continue;
    const atMs = Date.parse(text);
    if (Number.isNaN(atMs)) return refuse(20001, `The value of ${name} is no date`);
    filters.push(filterFor(atMs));
  }
  return filters;
}

function leftAt({ sentAtMs, createdAtMs }: TwilioMessage): number {
  return sentAtMs ?? createdAtMs;
}

function pageUri(
  accountSid: string,
  query: URLSearchParams,
  { pageSize, number, token }: {
    readonly pageSize: number;
    readonly number: number;
    readonly token: string | undefined;
  },
): string {
  const next = new URLSearchParams(query);
  next.set("PageSize", String(pageSize));
  next.set("Page", String(number));
  next.delete("PageToken");
  if (token !== undefined) next.set("PageToken", token);
  return `/2010-04-01/Accounts/${accountSid}/Messages.json?${next}`;
}
