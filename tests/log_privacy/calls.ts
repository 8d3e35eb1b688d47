import assert from "node:assert/strict";
import type { World } from "./world.ts";

export const SESSION = "0000Na9B26EF002X";
export const PATH = `/api/v2/me/smssessions/${SESSION}`;
export const JSON_TYPE = "application/json";

/** Makes a request; the answer's body is read, as it may be what is logged. */
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  options?: { readonly token?: string; readonly headers?: Readonly<Record<string, string>> },
) => Promise<{ readonly status: number; readonly text: string }>;

export function caller({ patchbay }: World, token: string): Call {
  return async (method, path, body, options = {}) => {
    const response = await fetch(patchbay.url + path, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? token}`,
        "content-type": JSON_TYPE,
        ...options.headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
}

export async function say(call: Call, text: string): Promise<void> {
  const said = await call("POST", PATH, { operationName: "SendMessage", text });
  assert.equal(said.status, 200, said.text);
}
