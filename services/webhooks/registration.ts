import * as v from "valibot";
import { InvalidBody, InvalidParameter } from "../errors.ts";
import { isJsonObject } from "../support/json_object.ts";
import { shownId, withoutNumbers } from "../support/log.ts";
import { draftSchema, MEMBERS, patchSchema } from "./webhook.ts";

/** A request to register, checked. What it says nothing of is absent. */
export type WebhookDraft = v.InferOutput<typeof draftSchema>;
/** A request to change, checked. */
export type WebhookPatch = v.InferOutput<typeof patchSchema>;

const MAX_SHOWN_LENGTH = 80;
/** Members whose value no message repeats: they may hold passwords. */
const UNSHOWN_MEMBERS: ReadonlySet<string> = new Set(["headers", "url"]);

/**
 * Reads a request to register.
 *
 * @throws {InvalidBody} if it is no JSON object.
 * @throws {InvalidParameter} if a member is missing, unknown or has a value that it cannot have.
 */
export function parseWebhookDraft(untrustedJson: unknown): WebhookDraft {
  return parse(draftSchema, untrustedJson);
}

/** Reads a request to change; throws as {@link parseWebhookDraft} does. */
export function parseWebhookPatch(untrustedJson: unknown): WebhookPatch {
  return parse(patchSchema, untrustedJson);
}

function parse<TSchema extends typeof draftSchema | typeof patchSchema>(
  schema: TSchema,
  untrustedJson: unknown,
): v.InferOutput<TSchema> {
  if (!isJsonObject(untrustedJson)) {
    throw new InvalidBody("Cannot use the body: expected a JSON object");
  }
  const result = v.safeParse(schema, untrustedJson, { abortEarly: true });
  if (!result.success) throw new InvalidParameter(describe(result.issues[0]));
  return result.output;
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = shownId(v.getDotPath(issue) ?? "the body");
  if (issue.type === "strict_object") {
    return issue.expected === "never"
      ? `Cannot use ${path}: expected only ${Object.keys(MEMBERS).join(", ")}`
      : `Cannot do without ${path}: expected ${MEMBERS.url.expected}`;
  }
  const [member = ""] = path.split(".");
  return `Cannot use ${path}${shown(member, issue.input)}: expected ${issue.message}`;
}

function shown(member: string, value: unknown): string {
  if (UNSHOWN_MEMBERS.has(member)) return "";
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH
    ? ""
    : `=${typeof value === "number" ? text : withoutNumbers(text)}`;
}
