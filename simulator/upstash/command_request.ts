/** One Redis command: its name and its arguments, as they go to Redis. */
export type Command = readonly string[];

/** How the commands of one request belong together. */
export type Batch = "single" | "pipeline" | "transaction";

/** What a request asks for, or in Upstash's words why it cannot be read. */
export type CommandRequest =
  | { readonly batch: Batch; readonly commands: readonly Command[] }
  | { readonly error: string };

/** The size of a request body that Upstash takes on its larger plans; the smaller ones stop at 1 MiB. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Reads the commands out of a request (https://upstash.com/docs/redis/features/restapi, "API Semantics").
 *
 * @param target the request target as it stood on the wire: a URL object would resolve `.` and `..` in it
 */
export function readCommandRequest(target: string, untrustedBody: Uint8Array): CommandRequest {
  if (untrustedBody.length > MAX_BODY_BYTES) {
    return {
      error: `ERR max request size exceeded. Limit: ${MAX_BODY_BYTES} bytes, ` +
        `Actual: ${untrustedBody.length} bytes`,
    };
  }
  const path = target.split("?", 1)[0] ?? "";
  const body = new TextDecoder("utf-8", { ignoreBOM: true }).decode(untrustedBody);
  switch (path.replace(/\/$/, "")) {
    case "":
      return single(readJson(body));
    case "/pipeline":
      return batch("pipeline", readJson(body));
    case "/multi-exec":
      return batch("transaction", readJson(body));
    default:
      return fromPath(path, queryOf(target), body);
  }
}

/** The query of a request target. */
export function queryOf(target: string): URLSearchParams {
  const at = target.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : target.slice(at));
}

/** `/set/foo` with the body `bar` and the query `EX=100` is `SET foo bar EX 100`. */
function fromPath(path: string, query: URLSearchParams, body: string): CommandRequest {
  try {
    const words = path.replace(/^\//, "").replace(/\/$/, "").split("/").map(decodeURIComponent);
    if (body !== "") words.push(body);
    for (const [name, value] of query) {
      if (name === "_token") continue;
      words.push(name);
      if (value !== "") words.push(value);
    }
    return { batch: "single", commands: [words] };
  } catch {
    return { error: "ERR failed to parse command" };
  }
}

function single(json: unknown): CommandRequest {
  const command = readCommand(json);
  return "error" in command ? command : { batch: "single", commands: [command.words] };
}

function batch(kind: Batch, json: unknown): CommandRequest {
  if (!Array.isArray(json)) return { error: "ERR failed to parse pipeline request" };
  if (json.length === 0) return { error: "ERR empty pipeline request" };
  const commands: Command[] = [];
  for (const row of json) {
    const command = readCommand(row);
    if ("error" in command) return command;
    commands.push(command.words);
  }
  return { batch: kind, commands };
}

function readCommand(json: unknown): { readonly words: Command } | { readonly error: string } {
  if (!Array.isArray(json)) return { error: "ERR failed to parse command" };
  if (json.length === 0) return { error: "ERR empty command" };
  const words: string[] = [];
  for (const word of json) {
    // What `undefined` becomes in a JavaScript array.
    if (word === null) return { error: "ERR null args are not supported" };
    if (typeof word === "object") {
      // Upstash's server is written in Go and names the type that its JSON reader met.
      return {
        error: `ERR unsupported arg type: "${Array.isArray(word) ? "[" : "{"}": json.Delim`,
      };
    }
    words.push(String(word));
  }
  return { words };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
