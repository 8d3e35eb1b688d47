/**
 * What several variables have to be together, beyond what each of them has to be by itself. A rule looks at their texts,
 * so that all faults can be told at once, whether or not the single values are good.
 */
import { metadataAddresses } from "../auth/issuer_address.ts";
import { readPublicKeys } from "../auth/public_key_text.ts";
import { SIGNATURE_ALGORITHMS } from "../auth/verification_key.ts";
import { httpOrigin } from "./address_parsers.ts";
import { ENCRYPTION_KEY_FORM } from "./key_parsers.ts";
import { TABLE, type VariableName } from "./variables.ts";

/** The text of a variable; undefined where it is unset or empty. */
type TextOf = (name: VariableName) => string | undefined;

/** One line for each rule that is broken. */
export function brokenRules(textOf: TextOf): string[] {
  const isSet = (name: VariableName) => textOf(name) !== undefined;
  return [
    ...(textOf("UPSTREAM_AUTH") === "basic" ? basicNeedsAUserName(isSet) : []),
    ...keysAreTold(textOf),
    ...upstashIsWhole(isSet),
    ...oneStore(isSet),
    ...redisNeedsAnEncryptionKey(isSet),
    ...(TWILIO_ACCOUNT.some(isSet) ? smsIsWhole(isSet) : []),
  ];
}

type IsSet = (name: VariableName) => boolean;

const UPSTASH = ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] as const;
const TWILIO_ACCOUNT = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"] as const;

function basicNeedsAUserName(isSet: IsSet): string[] {
  return isSet("UPSTREAM_USERNAME")
    ? []
    : ["Cannot use UPSTREAM_AUTH=basic without UPSTREAM_USERNAME: expected its user name"];
}

/** Where each issuer's keys come from: one setting for the only issuer, or every issuer by itself. */
function keysAreTold(textOf: TextOf): string[] {
  const issuerText = textOf("JWT_ISSUER") ?? null;
  const issuers = issuerText === null ? [] : TABLE.jwt.variables.issuers.parser.parse(issuerText);
  if (issuers === undefined) return publicKeyVerifies(textOf);
  const sources = (["JWKS_URL", "JWT_PUBLIC_KEY"] as const).filter((name) => textOf(name));
  if (sources.length === 0) return keysAreDiscovered(issuers);
  return [
    ...(sources.length > 1
      ? ["Cannot use JWKS_URL and JWT_PUBLIC_KEY together: expected only one of them"]
      : []),
    ...publicKeyVerifies(textOf),
    // A set that all of them shared would let a key of one verify the tokens of another.
    ...(new Set(issuers).size > 1
      ? [
        `Cannot use ${sources.join(" and ")} with several issuers in JWT_ISSUER: ` +
        "expected one issuer, or no such setting, so that each tells its own keys",
      ]
      : []),
  ];
}

function keysAreDiscovered(issuers: readonly string[]): string[] {
  const areAddresses = issuers.every((issuer) => metadataAddresses(issuer) !== null);
  if (issuers.length > 0 && areAddresses) return [];
  return [
    "Cannot start without JWKS_URL or JWT_PUBLIC_KEY: expected one of them, or issuers that are http or " +
    "https URLs without query or fragment, by which their keys are found",
  ];
}

function publicKeyVerifies(textOf: TextOf): string[] {
  const text = textOf("JWT_PUBLIC_KEY");
  if (text === undefined) return [];
  const { parser, defaultText } = TABLE.jwt.variables.algorithms;
  const allowed = parser.parse(textOf("JWT_ALGORITHMS") ?? defaultText) ?? SIGNATURE_ALGORITHMS;
  const reading = readPublicKeys(text, allowed);
  return reading.ok ? [] : [`Cannot use JWT_PUBLIC_KEY=(hidden): ${reading.reason}`];
}

function upstashIsWhole(isSet: IsSet): string[] {
  return pairIsWhole(UPSTASH, isSet);
}

/** SQLITE_PATH has a default, so only a set one says that SQLite is wanted. */
function oneStore(isSet: IsSet): string[] {
  const wanted = [
    ...UPSTASH.filter(isSet).slice(0, 1),
    ...(["REDIS_URL", "SQLITE_PATH"] as const).filter(isSet),
  ];
  return wanted.length > 1
    ? [`Cannot use ${wanted.join(" and ")} together: expected one store`]
    : [];
}

/** SQLite keeps a key file beside its database; a Redis has no such place. */
function redisNeedsAnEncryptionKey(isSet: IsSet): string[] {
  return ["REDIS_URL" as const, ...UPSTASH].some(isSet) && !isSet("ENCRYPTION_KEY")
    ? [`Cannot use a Redis store without ENCRYPTION_KEY: expected ${ENCRYPTION_KEY_FORM}`]
    : [];
}

function smsIsWhole(isSet: IsSet): string[] {
  const faults = pairIsWhole(TWILIO_ACCOUNT, isSet);
  if (!isSet("PUBLIC_URL")) {
    faults.push(`Cannot use SMS without PUBLIC_URL: expected ${httpOrigin.expected}`);
  }
  const senders = (["TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID"] as const).filter(isSet);
  if (senders.length !== 1) {
    faults.push(
      `Cannot use SMS with ${senders.length > 1 ? "both" : "neither"} of TWILIO_FROM and ` +
        "TWILIO_MESSAGING_SERVICE_SID: expected exactly one",
    );
  }
  return faults;
}

/** Two variables of which one is of no use without the other. */
function pairIsWhole(pair: readonly [VariableName, VariableName], isSet: IsSet): string[] {
  const [present, ...more] = pair.filter(isSet);
  if (present === undefined || more.length > 0) return [];
  const missing = pair.find((name) => name !== present);
  return [`Cannot use ${present} without ${missing}: expected both`];
}
