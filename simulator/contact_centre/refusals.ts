/** A refusal as upstream words it (reference: Web Services API, "Return Values"). */
export interface Refusal {
  readonly kind: "refused";
  readonly statusCode: StatusCode;
  readonly statusMessage: string;
}

/** The status codes of the Web Services API 8.5.2 that the simulator answers with. */
export const STATUS = {
  missingParameter: 1,
  wrongState: 2,
  forbidden: 3,
  notFound: 6,
  invalidValue: 10,
  unauthenticated: 20,
} as const;

export type StatusCode = (typeof STATUS)[keyof typeof STATUS];

/** HTTP statuses by statusCode. The documentation has no such table, so this is a guess and can be switched off. */
const HTTP_STATUS = {
  [STATUS.missingParameter]: 400,
  [STATUS.wrongState]: 400,
  [STATUS.forbidden]: 403,
  [STATUS.notFound]: 404,
  [STATUS.invalidValue]: 400,
  [STATUS.unauthenticated]: 401,
} as const satisfies Record<StatusCode, number>;

/** `mapped`: refusals have a fitting HTTP status; `200`: every refusal is HTTP 200 and only the body tells. */
export type RefusalHttpStatus = "mapped" | "200";

export function refuse(statusCode: StatusCode, statusMessage: string): Refusal {
  return { kind: "refused", statusCode, statusMessage };
}

/** The HTTP answer of a refusal: nothing but the code and the message, as documented. */
export function refusalResponse(
  { statusCode, statusMessage }: Refusal,
  mode: RefusalHttpStatus,
): Response {
  const status = mode === "200" ? 200 : HTTP_STATUS[statusCode];
  return Response.json({ statusCode, statusMessage }, { status });
}
