/**
 * Checks that the house is in order and exits with status 1 where it is not: no circle among files or folders, imports
 * in one direction only, a vendor's words in its folder, the environment read in one place, and no word about a file that
 * does not exist. The imports are those that Deno itself resolves, types and dynamic imports included.
 */
import { findCircles, type Imports } from "./circles.ts";
import { forbiddenImports, isTest, misplacedWords, missingFiles } from "./house_rules.ts";

/** A released version's notes may name what is gone since. */
const HISTORY = "CHANGELOG.md";

interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** All files below a folder except hidden ones, by their path from the root. */
async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder || ".")) {
    if (name.startsWith(".") || name === "node_modules") continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found.sort();
}

/** What each of the files imports of the project, as `deno info` tells it. */
async function readImports(root: string, paths: readonly string[]): Promise<Imports> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, paths.map((path) => `import "${root}${path}";\n`).join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", "deno.json", entry],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const { modules }: { modules: ModuleInfo[] } = JSON.parse(new TextDecoder().decode(stdout));
    return new Map(
      modules.filter(({ specifier }) => specifier.startsWith(root)).map((module) => [
        module.specifier.slice(root.length),
        importsOf(module).filter((to) => to.startsWith(root)).map((to) => to.slice(root.length)),
      ]),
    );
  } finally {
    await Deno.remove(entry);
  }
}

function importsOf({ dependencies = [] }: ModuleInfo): string[] {
  const specifiers = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
  return [...new Set(specifiers.filter((specifier) => specifier !== undefined))];
}

async function findFaults(root: string): Promise<string[]> {
  const paths = await filesBelow("");
  const imports = await readImports(root, paths.filter((path) => path.endsWith(".ts")));
  const faults = forbiddenImports(imports);
  // Nothing needs a test, so what a test needs closes no circle for the folder in which it mirrors the tree.
  const needed = new Map([...imports].filter(([path]) => !isTest(path)));
  for (const { folder, members, imports: among } of findCircles(needed)) {
    faults.push(
      `${folder || "."}: a circle of ${members.join(", ")}`,
      ...among.map((i) => `    ${i}`),
    );
  }
  for (const path of paths.filter((path) => /\.(ts|lua|sql|md)$/.test(path) && path !== HISTORY)) {
    const text = await Deno.readTextFile(path);
    faults.push(...misplacedWords(path, text), ...missingFiles(path, text, paths));
  }
  return faults;
}

if (import.meta.main) {
  const root = new URL("..", import.meta.url);
  Deno.chdir(root);
  for (const fault of await findFaults(root.href)) {
    // deno-lint-ignore no-console
    console.error(fault);
    Deno.exitCode = 1;
  }
}
