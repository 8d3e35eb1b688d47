import * as v from "valibot";
import type { Centre, Seat, SeatState, Session } from "./model.ts";
import type { Outcome } from "./outcome.ts";
import { type Refusal, refuse, STATUS } from "./refusals.ts";

/** Who operates on what. */
export interface Call {
  readonly centre: Centre;
  readonly session: Session;
  readonly seat: Seat;
}

/** One operation of the SMS Session API. */
export interface Operation {
  /** The states of the agent's seat in which it is not refused. */
  readonly states: readonly SeatState[];
  /** True: refused once the customer has gone. */
  readonly needsCustomer: boolean;
  /** Reads the parameters; what comes back carries the operation out, or says what is wrong with them. */
  prepare(call: Call, untrustedBody: unknown): (() => Outcome) | Refusal;
}

/** An operation from the shape of its parameters and what it does with them. */
export function defineOperation<const Schema extends v.GenericSchema>(
  { states, parameters, perform, needsCustomer = false }: {
    readonly states: readonly SeatState[];
    readonly parameters: Schema;
    readonly perform: (call: Call, parameters: v.InferOutput<Schema>) => Outcome;
    readonly needsCustomer?: boolean;
  },
): Operation {
  return {
    states,
    needsCustomer,
    prepare(call, untrustedBody) {
      const parsed = v.safeParse(parameters, untrustedBody);
      if (!parsed.success) return refuseParameter(parsed.issues[0]);
      return () => perform(call, parsed.output);
    },
  };
}

function refuseParameter(issue: v.BaseIssue<unknown>): Refusal {
  const name = v.getDotPath(issue);
  if (name === null) return refuse(STATUS.missingParameter, issue.message);
  return issue.input === undefined
    ? refuse(STATUS.missingParameter, `Parameter ${name} is missing`)
    : refuse(STATUS.invalidValue, `Parameter ${name} has a value that it cannot have`);
}

export const noParameters: v.GenericSchema = v.unknown();

/** Text that says something. */
export const filledText: v.GenericSchema<string> = v.pipe(v.string(), v.nonEmpty());

/** Where an Invite, Consult or Transfer goes: an agent, or null for a queue that any agent serves. */
export type Target = string | null;

/**
 * The addresses that the pages name, all optional here: `targetUri` and `targetPath` by the tables, `userUri` by the
 * Invite sample, `queueName` by the chat sibling's Transfer.
 */
export const targetParameters = {
  targetUri: v.optional(filledText),
  targetPath: v.optional(filledText),
  userUri: v.optional(filledText),
  queueName: v.optional(filledText),
};

/** The target that the parameters name. */
export function readTarget(
  parameters: {
    readonly targetUri?: string | undefined;
    readonly targetPath?: string | undefined;
    readonly userUri?: string | undefined;
    readonly queueName?: string | undefined;
  },
): { readonly target: Target } | Refusal {
  if (parameters.queueName !== undefined) return { target: null };
  const address = parameters.targetUri ?? parameters.targetPath ?? parameters.userUri;
  if (address === undefined) {
    return refuse(STATUS.missingParameter, "Parameter targetUri or targetPath is missing");
  }
  const [, kind, id] = /\/(users|contacts|queues)\/([^/?#]+)$/.exec(address) ?? [];
  if (id === undefined) {
    return refuse(STATUS.invalidValue, "The target is no address of a user, contact or queue");
  }
  return { target: kind === "queues" ? null : safeDecode(id) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
