import assert from "node:assert/strict";
import {
  redisAvailable,
  type RedisServer,
  startRedisServer,
} from "../../../../simulator/kit/redis_server.ts";
import { createCertificates } from "../../../support/certificates.ts";
import { SECRET } from "./transport_errors.ts";

// Which authorities are trusted a program is told when it starts, so each test runs one of its own.

const PROGRAM = `
  import { createRespTransport } from ${JSON.stringify(moduleUrl("resp_transport.ts"))};
  const transport = createRespTransport({ url: Deno.args[0], deadlineMs: 5_000 });
  try {
    console.log(...await transport.pipeline([["SET", "k", ${JSON.stringify(SECRET)}]]));
    console.log(...await transport.pipeline([["ACL", "WHOAMI"]]));
  } catch (error) {
    console.log(error.name, "-", error.cause.message);
  }
  await transport.close();
`;

const ignore = !redisAvailable() || !await hasTls();

if (redisAvailable() && ignore) {
  await Deno.stderr.write(
    new TextEncoder().encode(
      "openssl is not on the PATH, or redis-server was built without TLS: rediss:// is not tested\n",
    ),
  );
}

Deno.test({
  name: "rediss:// reaches a Redis over TLS, as the user that it names",
  ignore,
  fn: async () => {
    await using tls = await startTlsRedis();
    const said = await runProgram(tls.url, ["--cert", tls.authority]);
    assert.equal(said, "OK\npatch-bay");
    assert.equal(await tls.server.cli("GET", "k"), SECRET);
  },
});

Deno.test({
  name: "rediss:// tells nothing to a Redis whose certificate nobody trusted vouches for",
  ignore,
  fn: async () => {
    await using tls = await startTlsRedis();
    const said = await runProgram(tls.url, []);
    assert.match(said, /^StoreUnavailable - the connection failed: \S+$/);
    assert.ok(!said.includes(SECRET));
    assert.equal(await tls.server.cli("EXISTS", "k"), "0");
  },
});

interface TlsRedis extends AsyncDisposable {
  readonly server: RedisServer;
  readonly url: string;
  /** The file with the certificate of who vouches for it. */
  readonly authority: string;
}

async function startTlsRedis(): Promise<TlsRedis> {
  await using started = new AsyncDisposableStack();
  const certificates = started.use(await createCertificates());
  const { dir } = certificates;
  await certificates.make("redis", "IP:127.0.0.1");
  const port = freePort();
  const server = started.use(
    await startRedisServer({
      args: [
        ...["--tls-port", String(port), "--tls-auth-clients", "no"],
        ...["--tls-cert-file", `${dir}/redis.pem`, "--tls-key-file", `${dir}/redis.key.pem`],
        ...["--tls-ca-cert-file", `${dir}/authority.pem`],
        ...["--user", "patch-bay", "on", ">p@ss", "~*", "+@all"],
      ],
    }),
  );
  const all = started.move();
  return {
    server,
    url: `rediss://patch-bay:p%40ss@127.0.0.1:${port}`,
    authority: `${dir}/authority.pem`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function hasTls(): Promise<boolean> {
  try {
    await (await startTlsRedis())[Symbol.asyncDispose]();
    return true;
  } catch (error) {
    const noOpenssl = error instanceof Deno.errors.NotFound;
    // A Redis without TLS stops at the first word of it.
    const noTls = error instanceof Error && /'tls-port|tls-port "/.test(error.message);
    if (noOpenssl || noTls) return false;
    throw error;
  }
}

async function runProgram(url: string, flags: readonly string[]): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, PROGRAM);
  const config = new URL("../../../../deno.json", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", config, ...flags, file, url],
  }).output();
  await Deno.remove(file);
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim();
}

function moduleUrl(file: string): string {
  return new URL(`../../../../services/store/redis/${file}`, import.meta.url).href;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
