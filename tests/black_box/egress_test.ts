/** What Patchbay calls, and what it does not, seen from outside: at the listeners that wait for it, and in its answers. */
import assert from "node:assert/strict";
import { createCertificates } from "../support/certificates.ts";
import { startProxy } from "../support/connect_proxy.ts";
import { startNames } from "../support/names.ts";
import { type PatchbayForLoad, startPatchbayForLoad } from "../support/patchbay_for_load.ts";

const PUBLIC = "93.184.215.14";
const certificates = await createCertificates();
const hooks = await certificates.make("hooks", "DNS:hooks.example");
const proxyCertificate = await certificates.make("proxy", "DNS:proxy.test");
globalThis.addEventListener("unload", () => Deno.removeSync(certificates.dir, { recursive: true }));

interface Attempt {
  readonly class: string;
  readonly resolvedAddress?: string;
  readonly status?: number;
}

/** A Patchbay with names of its own, and a consumer to which `93.184.215.14` leads. */
async function startWorld(env: Record<string, string> = {}) {
  await using opened = new AsyncDisposableStack();
  const names = opened.use(startNames());
  let requests = 0;
  const consumer = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...hooks,
    onListen: () => {},
  }, () => {
    requests++;
    return new Response(null, { status: 204, headers: { connection: "close" } });
  });
  opened.defer(() => consumer.shutdown());
  names.names.set("hooks.example", [PUBLIC]);
  for (const port of [443, 8443]) names.routes.set(`${PUBLIC} ${port}`, consumer.addr.port);
  const patchbay = opened.use(
    await startPatchbayForLoad({
      program: "tests/support/patchbay_with_names.ts",
      env: {
        SQLITE_PATH: ":memory:",
        EGRESS_ALLOW: "",
        WEBHOOK_RETRY_S: "0.05,0.05,0.05",
        NAMES_URL: names.url,
        DENO_CERT: `${certificates.dir}/authority.pem`,
        ...env,
      },
    }),
  );
  const all = opened.move();
  return {
    names,
    patchbay,
    consumerPort: consumer.addr.port,
    requests: () => requests,
    register: (url: string) => register(patchbay, url),
    pinged: (id: string) => pinged(patchbay, id),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function register(patchbay: PatchbayForLoad, url: string): Promise<string> {
  const created = await patchbay.manage("POST", "/v1/webhooks", { url });
  return (created as { id: string }).id;
}

/** Pings a webhook, and tells the attempts once its delivery has come to its end; and all that is told of it. */
async function pinged(
  patchbay: PatchbayForLoad,
  id: string,
): Promise<{ readonly attempts: readonly Attempt[]; readonly text: string }> {
  const known = new Set((await deliveries(patchbay, id)).map((delivery) => delivery.id));
  await patchbay.manage("POST", `/v1/webhooks/${id}/ping`);
  for (const startedMs = performance.now(); performance.now() - startedMs < 20_000;) {
    const made = (await deliveries(patchbay, id)).find((delivery) => !known.has(delivery.id));
    if (made !== undefined && ["delivered", "dead"].includes(made.status)) {
      const delivery = await patchbay.manage("GET", `/v1/deliveries/${made.id}`);
      const { attempts } = delivery as { attempts: readonly Attempt[] };
      return { attempts, text: JSON.stringify(delivery) };
    }
  }
  throw new Error("the ping has not come to its end");
}

async function deliveries(patchbay: PatchbayForLoad, id: string) {
  const page = await patchbay.manage("GET", `/v1/deliveries?webhook=${id}&limit=100`);
  return (page as { data: readonly { id: string; status: string }[] }).data;
}

/** A listener of loopback, at the port that webhooks may have, which counts who comes. */
function listenAt8443() {
  for (let last = 1; last < 255; last++) {
    const hostname = `127.84.43.${last}`;
    try {
      const listener = Deno.listen({ hostname, port: 8443 });
      let connections = 0;
      const accepting = (async () => {
        for await (const connection of listener) {
          connections++;
          connection.close();
        }
      })();
      return {
        hostname,
        connections: () => connections,
        async [Symbol.asyncDispose]() {
          listener.close();
          await accepting;
        },
      };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no address of loopback has its port 8443 free");
}

Deno.test("a webhook is called at the address that its name stood for, by TLS with its name", async () => {
  await using world = await startWorld();
  const id = await world.register("https://hooks.example:8443/in");
  const { attempts } = await world.pinged(id);
  assert.deepEqual(
    attempts.map(({ class: kind, status, resolvedAddress }) => [kind, status, resolvedAddress]),
    [["ok", 204, PUBLIC]],
  );
  assert.deepEqual(world.names.dialled, [`${PUBLIC} 8443`]);
  assert.equal(world.requests(), 1);
});

Deno.test("a name that leads inside cannot be registered, also among public addresses, and where it leads is not told", async () => {
  await using world = await startWorld();
  await using inside = listenAt8443();
  const id = await world.register("https://hooks.example:8443/in");
  world.names.names.set("inside.example", [inside.hostname]);
  world.names.names.set("mixed.example", [PUBLIC, inside.hostname]);
  const nip = `${inside.hostname.replaceAll(".", "-")}.nip.example`;
  world.names.names.set(nip, [inside.hostname]);
  for (const host of ["inside.example", "mixed.example", nip]) {
    for (
      const asking of [
        () => world.register(`https://${host}:8443/in`),
        () =>
          world.patchbay.manage("PATCH", `/v1/webhooks/${id}`, { url: `https://${host}:8443/` }),
      ]
    ) {
      await assert.rejects(asking(), (error: Error) => {
        assert.match(error.message, /422 .*webhook-url-refused.*EGRESS_ALLOW/);
        assert.ok(!error.message.includes(inside.hostname), error.message);
        return true;
      });
    }
  }
  assert.deepEqual([world.names.dialled, inside.connections()], [[], 0]);
});

Deno.test("a name that moves inside after it was registered is not called: egress-refused, and nobody is told where it led", async () => {
  await using world = await startWorld();
  await using inside = listenAt8443();
  const id = await world.register("https://hooks.example:8443/in");
  await world.pinged(id);
  for (
    const addresses of [
      [inside.hostname],
      [PUBLIC, inside.hostname],
      [`::ffff:${inside.hostname}`],
      ["64:ff9b::7f54:2b01"],
      ["2002:7f54:2b01::"],
    ]
  ) {
    world.names.names.set("hooks.example", addresses);
    const { attempts, text } = await world.pinged(id);
    assert.deepEqual(attempts.map(({ class: kind }) => kind), Array(3).fill("egress-refused"));
    for (const address of addresses) assert.ok(!text.includes(address), text);
  }
  assert.deepEqual(world.names.dialled, [`${PUBLIC} 8443`]);
  assert.deepEqual([world.requests(), inside.connections()], [1, 0]);
});

Deno.test("a redirect inside is not followed", async () => {
  await using world = await startWorld();
  await using inside = listenAt8443();
  const redirecting = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...hooks,
    onListen: () => {},
  }, () => Response.redirect(`https://${inside.hostname}:8443/`, 307));
  world.names.routes.set(`${PUBLIC} 443`, redirecting.addr.port);
  const { attempts } = await world.pinged(await world.register("https://hooks.example/in"));
  assert.ok(attempts.every(({ class: kind }) => kind === "redirect-refused"));
  assert.equal(inside.connections(), 0);
  await world.patchbay.stop();
  await redirecting.shutdown();
});

Deno.test("a name that does not exist is a class of its own, and may be registered", async () => {
  await using world = await startWorld();
  const id = await world.register("https://later.example/in");
  const { attempts } = await world.pinged(id);
  assert.deepEqual(attempts.map(({ class: kind }) => kind), Array(4).fill("name-not-found"));
  world.names.names.set("later.example", [PUBLIC]);
  // The certificate is for another name.
  const again = await world.pinged(id);
  assert.deepEqual(
    new Set(again.attempts.map(({ class: kind }) => kind)),
    new Set(["connect-failed"]),
  );
  assert.equal(world.requests(), 0);
});

for (const secure of [false, true]) {
  const scheme = secure ? "https" : "http";
  Deno.test(`with EGRESS_PROXY over ${scheme} it is the proxy that connects, to the address that was judged`, async () => {
    await using target = await startWorld();
    await using proxy = startProxy({
      route: () => target.consumerPort,
      ...(secure && { tls: proxyCertificate }),
    });
    await using world = await startWorld({
      EGRESS_PROXY: `${scheme}://user:s3cret-word@proxy.test:${proxy.port}`,
    });
    world.names.names.set("proxy.test", ["127.0.0.1"]);
    const { attempts, text } = await world.pinged(await world.register("https://hooks.example/in"));
    assert.deepEqual(attempts.map(({ class: kind }) => kind), ["ok"]);
    assert.ok(!text.includes("s3cret"));
    assert.deepEqual(proxy.asked, [`CONNECT ${PUBLIC}:443 HTTP/1.1`]);
    assert.deepEqual(world.names.dialled, [`127.0.0.1 ${proxy.port}`]);
    assert.deepEqual([target.requests(), world.requests()], [1, 0]);

    const refused = await world.register("https://moves.example/in");
    world.names.names.set("moves.example", ["10.0.0.5"]);
    const moved = await world.pinged(refused);
    assert.deepEqual(
      new Set(moved.attempts.map(({ class: kind }) => kind)),
      new Set(["egress-refused"]),
    );
    assert.equal(proxy.asked.length, 1);
    await world.patchbay.stop();
  });
}
