/** A refusal by the Twilio API, before it is put into words for HTTP. */
export interface ApiError {
  readonly kind: "refused";
  readonly status: number;
  /** Twilio's error code; https://www.twilio.com/docs/api/errors has a page for each. */
  readonly code: number;
  readonly message: string;
}

/** A refusal of what was asked; HTTP 400 unless told otherwise. */
export function refuse(code: number, message: string, status = 400): ApiError {
  return { kind: "refused", status, code, message };
}

/** The body that Twilio sends with an error. */
export function errorBody({ code, message, status }: Omit<ApiError, "kind">): object {
  return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
}

/** The HTTP answer of a refusal. */
export function errorResponse(error: ApiError): Response {
  return Response.json(errorBody(error), { status: error.status });
}
