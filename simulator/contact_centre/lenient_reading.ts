import { OPERATION_NAMES } from "./operations.ts";
import { parseJson } from "./session_routes.ts";

const MEMBERS = [
  "operationName",
  "nickname",
  "saveLAR",
  "text",
  "url",
  "noticeText",
  "userData",
  "keys",
  "disposition",
  "dispositionKey",
  "queueName",
  "targetUri",
  "targetPath",
  "userUri",
  "channels",
  "supervisorVisibilityMode",
];
const ELSEWHERE = [
  "Intrude",
  "StartContactCenterSession",
  "EndContactCenterSession",
  "Ready",
  "NotReady",
];

const MEMBERS_BY_CASE = byCase(MEMBERS);
const OPERATIONS_BY_CASE = byCase([...OPERATION_NAMES, ...ELSEWHERE]);

/**
 * Reads a body as a server in Java may be told to (Jackson's case-insensitive properties and enumerations, names trimmed):
 * `OPERATIONNAME` is `operationName`, `"intrude "` is `Intrude`, and of what comes twice the last counts.
 */
export function readLeniently(untrustedText: string): unknown {
  const json = parseJson(untrustedText);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const body = Object.fromEntries(
    Object.entries(json).map(([name, value]) => [MEMBERS_BY_CASE.get(cased(name)) ?? name, value]),
  );
  const { operationName } = body;
  return typeof operationName === "string"
    ? { ...body, operationName: OPERATIONS_BY_CASE.get(cased(operationName)) ?? operationName }
    : body;
}

function byCase(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [cased(name), name]));
}

function cased(name: string): string {
  return name.trim().toLowerCase();
}
