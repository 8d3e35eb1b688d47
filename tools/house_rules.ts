import type { Imports } from "./circles.ts";

/** What may be imported from where: a file or folder at the top, or a room of `services`, and all that it may need. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "services/support": ["services/support"],
  "services/store": ["services/store", "services/support", "services/errors.ts"],
  "services": ["services", "version.ts"],
  "middleware": ["middleware", "services"],
  "routes": ["routes", "middleware", "services"],
  "composition": ["composition", "routes", "middleware", "services", "version.ts"],
};

/** What is there for development; nothing of the product needs it. */
const DEVELOPMENT = ["simulator", "tests", "bench", "tools"];

/** Every import that the direction of dependencies forbids (DESIGN §2), a line each. */
export function forbiddenImports(imports: Imports): string[] {
  return [...imports].flatMap(([from, targets]) =>
    targets.filter((to) => !mayImport(from, to)).map((to) => `${from} may not import ${to}`)
  );
}

/** A file of tests: it is where arrows end, so nothing may import it. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts");
}

function mayImport(from: string, to: string): boolean {
  if (isTest(to)) return false;
  if (isUnder(from, ["simulator"])) return !isUnder(to, ["tests", "bench", "tools"]);
  if (isUnder(from, DEVELOPMENT)) return true;
  if (isUnder(to, DEVELOPMENT)) return false;
  const room = Object.keys(MAY_IMPORT).find((folder) => isUnder(from, [folder]));
  return room === undefined || isUnder(to, MAY_IMPORT[room] ?? []);
}

/** Words that belong in some places of the product's code and nowhere else in it. */
interface WordRule {
  readonly words: RegExp;
  readonly places: readonly string[];
  readonly says: string;
}

const WORD_RULES: readonly WordRule[] = [
  {
    words: /\.req\.quer(?:y|ies)\(/,
    places: ["routes/query.ts"],
    says: "reads a query by itself",
  },
  {
    words: /twilio/i,
    places: [
      "services/sms/twilio",
      "composition/sms.ts",
      "services/config",
    ],
    says: "knows Twilio",
  },
  {
    words: /\bDeno\.env\b|\bprocess\.env\b|\.fromEnv\(/,
    places: ["services/config", "program.ts"],
    says: "reads the environment",
  },
];

/** Every file of the product that says what only other places should say, a line each. */
export function misplacedWords(path: string, text: string): string[] {
  if (isUnder(path, DEVELOPMENT) || path.endsWith(".md")) return [];
  return WORD_RULES
    .filter(({ words, places }) => words.test(text) && !isUnder(path, places))
    .map(({ says, places }) => `${path} ${says}: only ${places.join(", ")} should`);
}

/** Every file that a comment or a document names and that does not exist, a line each. `paths`: all files that do. */
export function missingFiles(path: string, text: string, paths: readonly string[]): string[] {
  const prose = path.endsWith(".md") ? text : comments(path, text);
  const named = prose.matchAll(/`(?:\.{0,2}\/)*([\w./-]*\w\.(?:ts|lua|sql|md))`/g);
  return [...named].map(([, name = ""]) => name)
    .filter((name) => !paths.some((existing) => `/${existing}`.endsWith(`/${name}`)))
    .map((name) => `${path} names ${name}, which does not exist`);
}

function comments(path: string, text: string): string {
  const start = /\.(lua|sql)$/.test(path) ? /--.*/ : /(^\s*\/?\*|(^|\s)\/\/).*/;
  return text.split("\n").map((line) => line.match(start)?.[0] ?? "").join("\n");
}

function isUnder(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}
