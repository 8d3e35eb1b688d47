import * as v from "valibot";
import { PASSWORD, PATIENCE, type Surroundings } from "./surroundings.ts";

/** The agents of these tests. */
export const AGENTS = ["ann", "bob", "cy"] as const;
/** Who may look at every session, and intrude. */
export const SUPERVISOR = "sue";
export const EVERYBODY: readonly string[] = [...AGENTS, SUPERVISOR];

const SCOPES = "sms:operate credentials:write";
const SUPERVISOR_SCOPES = `${SCOPES} sms:supervise sessions:read webhooks:read webhooks:write`;

/** An answer to an operation, by its meaning. */
export interface OperationAnswer {
  readonly status: number;
  /** Upstream's verdict, or Patchbay's in the same numbering. */
  readonly statusCode: number;
  /** Whose answer it is: `upstream`, or the code of the problem for which Patchbay refused. */
  readonly from: string;
}

/** Those who call Patchbay. */
export interface Callers {
  /** An agent, or the supervisor, posts an operation. What upstream tells of it is told after the answer. */
  operate(agentId: string, path: string, body: object): Promise<OperationAnswer>;
  /** The supervisor calls the management API; the answer as `schema` reads it, null for a 404. */
  manage<const Schema extends v.GenericSchema>(
    schema: Schema,
    method: string,
    path: string,
    body?: object,
  ): Promise<v.InferOutput<Schema> | null>;
  /** Everybody leaves their credentials and signs in; resolves once Patchbay listens for them all. */
  signIn(): Promise<void>;
}

const answerSchema = v.object({ statusCode: v.number(), type: v.optional(v.string()) });

export function createCallers({ centre, patchbay, key, untold }: Surroundings): Callers {
  async function call(agentId: string, method: string, path: string, body?: object) {
    const scope = agentId === SUPERVISOR ? SUPERVISOR_SCOPES : SCOPES;
    return await fetch(`${patchbay.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await key.sign({ sub: agentId, scope })}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function succeeds(response: Promise<Response>): Promise<void> {
    const { ok, status, url, body } = await response;
    await body?.cancel();
    if (!ok) throw new Error(`Cannot sign in: ${url} answered ${status}`);
  }

  return {
    operate: (agentId, path, body) =>
      untold(async () => {
        const response = await call(agentId, "POST", path, body);
        const { statusCode, type } = v.parse(answerSchema, await response.json());
        const from = type?.replace("/problems/", "") ?? "upstream";
        return { status: response.status, statusCode, from };
      }),
    async manage(schema, method, path, body) {
      const response = await call(SUPERVISOR, method, path, body);
      const json: unknown = await response.json();
      return response.status === 404 ? null : v.parse(schema, json);
    },
    async signIn() {
      for (const agentId of EVERYBODY) {
        const credentials = { username: agentId, password: PASSWORD };
        await succeeds(call(agentId, "PUT", "/v1/agents/me/credentials", credentials));
        const login = { operationName: "StartContactCenterSession", channels: ["smssession"] };
        await succeeds(call(agentId, "POST", "/api/v2/me", login));
      }
      for (const wanted of EVERYBODY) {
        await centre.cometd.happenings.waitFor(
          ({ kind, agentId }) => kind === "listening" && agentId === wanted,
          PATIENCE,
        );
      }
    },
  };
}
