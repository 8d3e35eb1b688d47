/**
 * Writes those parts of the project that come from the code: `.env.example`, the variables that `deno task start` may
 * read, and in Markdown whatever stands between `<!-- generated: <name> -->` and `<!-- end generated -->`. With `--check` it writes nothing, names each file
 * that is not what it would write, and exits with status 1.
 */
import { PLATFORM_VARIABLES, VARIABLE_GROUPS, VARIABLES } from "../services/config/variables.ts";
import { PROBLEMS } from "../middleware/problem_kinds.ts";
import { MEMBERS } from "../services/webhooks/webhook.ts";

/** What is generated into Markdown, by the name in the marker. */
const SECTIONS: Readonly<Record<string, () => string>> = {
  configuration: configurationTables,
  problems: problemTable,
  "webhook-members": webhookMemberTable,
};

/** The files that may have such markers. */
const MARKDOWN_FOLDERS = ["./", "docs/"];

const MARKED = /(?<=<!-- generated: (?<name>[a-z-]+) -->\n).*?(?=<!-- end generated -->)/gs;

/** A table for each group of variables. */
function configurationTables(): string {
  return VARIABLE_GROUPS.map(({ title, variables }) => {
    const rows = variables.map(({ name, required, defaultText, meaning }) => {
      const shown = required ? "required" : defaultText === undefined ? "–" : code(defaultText);
      return [code(name), shown, meaning];
    });
    return `**${title}**\n\n${table(["variable", "default", "meaning"], rows)}`;
  }).join("\n");
}

function problemTable(): string {
  const rows = Object.entries(PROBLEMS).map(([name, { status, statusCode, explanation }]) => [
    code(name),
    `${status}`,
    `${statusCode}`,
    explanation,
  ]);
  return table(["code", "status", "statusCode", "meaning"], rows);
}

/** What registering a webhook takes. */
function webhookMemberTable(): string {
  const rows = Object.entries(MEMBERS).map(([name, member]) => [
    code(name),
    "default" in member ? code(JSON.stringify(member.default)) : "required",
    member.meaning,
  ]);
  return table(["member", "default", "meaning"], rows);
}

/** Every variable with its meaning. What is required waits to be filled in; all else is a comment with the default. */
function envExample(): string {
  const groups = VARIABLE_GROUPS.map(({ title, variables }) => {
    const entries = variables.map(({ name, meaning, required, defaultText = "" }) =>
      required ? `# ${meaning} (required)\n${name}=` : `# ${meaning}\n#${name}=${defaultText}`
    );
    return [`# ---- ${title} ----`, ...entries].join("\n\n");
  });
  return `# Patchbay's whole configuration. Copy this file to .env, fill in what has no default and uncomment what you change.
# An empty variable counts as unset. Start with: deno task start

${groups.join("\n\n")}
`;
}

/** The tasks with what Patchbay may read of the environment. */
async function tasks(): Promise<string> {
  const names = [...VARIABLES.map(({ name }) => name), ...PLATFORM_VARIABLES].sort();
  const text = await Deno.readTextFile("deno.json");
  return text.replace(/(?<="deno (?:run|serve) [^"]*--allow-env=)[^\s"]*/g, names.join(","));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown file with its generated parts as they should be; undefined where it has none. */
async function generatedMarkdown(path: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(path);
  if (text.search(MARKED) < 0) return undefined;
  return await formatted(text.replaceAll(MARKED, (_, name: string) => {
    const section = SECTIONS[name];
    if (section === undefined) throw new Error(`${path}: nothing is generated as "${name}"`);
    return `\n${section()}\n`;
  }));
}

/** Markdown as `deno fmt` has it, which aligns the tables. */
async function formatted(markdown: string): Promise<string> {
  const format = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = format.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { success, stdout } = await format.output();
  if (!success) throw new Error("deno fmt refused the generated Markdown");
  return new TextDecoder().decode(stdout);
}

/** Every generated file with the text that it should have. */
async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map([[".env.example", envExample()], ["deno.json", await tasks()]]);
  for (const folder of MARKDOWN_FOLDERS) {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(".md")) continue;
      const path = folder === "./" ? name : `${folder}${name}`;
      const text = await generatedMarkdown(path);
      if (text !== undefined) files.set(path, text);
    }
  }
  return files;
}

if (import.meta.main) {
  Deno.chdir(new URL("..", import.meta.url));
  const checkOnly = Deno.args.includes("--check");
  for (const [path, text] of await generatedFiles()) {
    if (await Deno.readTextFile(path) === text) continue;
    if (checkOnly) {
      // deno-lint-ignore no-console
      console.error(`${path} is not what the code says: run deno task generate`);
      Deno.exitCode = 1;
    } else {
      await Deno.writeTextFile(path, text);
      // deno-lint-ignore no-console
      console.log(`wrote ${path}`);
    }
  }
}
