import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parse } from "node:querystring";
import fc from "fast-check";
import { fieldsOf, readInboundText } from "../../../../services/sms/twilio/form.ts";
import {
  createSignatureVerifier,
  type SignedContent,
  signedUrls,
} from "../../../../services/sms/twilio/signature.ts";
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  inboundFields,
  OWN_NUMBER,
  signature,
} from "../../../support/twilio_requests.ts";

// The vectors of twilio-node (spec/validation.spec.js, MIT).
const TOKEN = "12345";
const REST = "mycompany.com/myapp.php?foo=1&bar=2";
const URL_1 = `https://${REST}`;
const CALL = {
  CallSid: "CA1234567890ABCDE",
  Caller: "+14158675309",
  Digits: "1234",
  From: "+14158675309",
  To: "+18005551212",
};
const JSON_TEXT = '{"property": "value", "boolean": true}';
const JSON_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const EMPTY_HASH = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

const form = (fields: Record<string, string | string[]>): SignedContent => ({
  kind: "form",
  fields,
});
const raw = (untrustedBody: string): SignedContent => ({ kind: "raw", untrustedBody });
const withPort = (port: number, scheme = "https") =>
  `${scheme}://${REST.replace(".com/", `.com:${port}/`)}`;

const verifierOf = (authToken: string, authTokenNext: string | null = null) =>
  createSignatureVerifier({ authToken, authTokenNext });

/** Each: what it shows, the URL, what was signed with it, the signature. */
const VECTORS: Readonly<Record<string, readonly [string, string, SignedContent, string]>> = {
  "SIG-01": ["a plain URL", URL_1, form(CALL), "RSOYDt4T1cUTdK1PDd93/VVr8B8="],
  "SIG-02": ["the port of https", withPort(443), form(CALL), "kvajT1Ptam85bY51eRf/AJRuM3w="],
  "SIG-03": ["the port of http", withPort(80, "http"), form(CALL), "0ZXoZLH/DfblKGATFgpif+LLRf4="],
  "SIG-04": [
    "another port",
    withPort(1234, "http"),
    form(CALL),
    "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
  ],
  "SIG-05": [
    "user and password",
    `https://user:pass@${REST}`,
    form(CALL),
    "CukzLTc1tT5dXEDIHm/tKBanW10=",
  ],
  "SIG-06": ["a user alone", `https://user@${REST}`, form(CALL), "2YRLlVAflCqxaNicjMpJcSTgzSs="],
  "SIG-07": [
    "user, password and port",
    `https://user:pass@${REST.replace(".com/", ".com:443/")}`,
    form(CALL),
    "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
  ],
  "SIG-08": [
    "an encoded quote in the query",
    `${URL_1}&Body=It%27s+amazing`,
    form(CALL),
    "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
  ],
  "SIG-09": [
    "a raw quote, signed as if it were encoded",
    `${URL_1}&Body=It's+amazing`,
    form(CALL),
    "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
  ],
  "SIG-10": [
    "a field with two values",
    URL_1,
    form({ "MessagingBinding.Address": ["+1325xxxxxxx", "+1415xxxxxxx"] }),
    "83O6e2vORAoJHUNzJjDWN1jz+BA=",
  ],
  "SIG-11": [
    "a field with one value twice",
    URL_1,
    form({ Sid: "CA123", SidAccount: "AC123", Digits: ["5678", "1234", "1234"] }),
    "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
  ],
  "SIG-13": [
    "the hash of a JSON body behind other parameters",
    `${URL_1}&bodySHA256=${JSON_HASH}`,
    raw(JSON_TEXT),
    "a9nBmqA0ju/hNViExpshrM61xv4=",
  ],
  "SIG-14": [
    "the hash of a JSON body alone",
    `https://mycompany.com/myapp.php?bodySHA256=${JSON_HASH}`,
    raw(JSON_TEXT),
    "y77kIzt2vzLz71DgmJGsen2scGs=",
  ],
  "SIG-15": [
    "the hash of an empty object, with the port",
    `${withPort(443)}&bodySHA256=${EMPTY_HASH}`,
    raw("{}"),
    "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
  ],
  "SIG-16": [
    "the same without the port, signed with it",
    `${URL_1}&bodySHA256=${EMPTY_HASH}`,
    raw("{}"),
    "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
  ],
  "SIG-17": [
    "another port that was not signed",
    withPort(1234),
    form(CALL),
    "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
  ],
};

for (const [id, [shows, url, content, untrustedSignature]] of Object.entries(VECTORS)) {
  Deno.test(`${id} the published signature fits: ${shows}`, async () => {
    const verifier = verifierOf(TOKEN);
    assert.equal(await verifier.verify({ url, content, untrustedSignature }), true);
    const path = url.replace("myapp", "other");
    assert.equal(await verifier.verify({ url: path, content, untrustedSignature }), false);
    assert.equal(await verifierOf("54321").verify({ url, content, untrustedSignature }), false);
  });
}

Deno.test("SIG-12 a JSON body is refused unless its SHA-256 is the one in the signed URL", async () => {
  assert.equal(createHash("sha256").update(JSON_TEXT).digest("hex"), JSON_HASH);
  const verifier = verifierOf(TOKEN);
  const url = `${URL_1}&bodySHA256=${JSON_HASH}`;
  const untrustedSignature = "a9nBmqA0ju/hNViExpshrM61xv4=";
  const check = (body: string, at = url) =>
    verifier.verify({ url: at, untrustedSignature, content: raw(body) });
  assert.equal(await check(JSON_TEXT), true);
  assert.equal(await check(JSON_TEXT.replace("true", "fals")), false);
  assert.equal(await check(""), false);
  assert.equal(await check(JSON_TEXT, URL_1), false);
});

const request = {
  url: URL_1,
  content: form(CALL),
  untrustedSignature: "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
};

for (const missing of [undefined, null, "", "x", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "é"]) {
  Deno.test(`the signature ${JSON.stringify(missing)} is refused`, async () => {
    const verifier = verifierOf(TOKEN);
    assert.equal(await verifier.verify({ ...request, untrustedSignature: missing }), false);
  });
}

Deno.test("an empty token signs nothing, neither as the first nor as the next", async () => {
  const untrustedSignature = signature(URL_1, CALL, "");
  assert.equal(await verifierOf("").verify({ ...request, untrustedSignature }), false);
  assert.equal(await verifierOf(TOKEN, "").verify({ ...request, untrustedSignature }), false);
});

Deno.test("during a rotation both tokens sign, before and after it one", async () => {
  const old = signature(URL_1, CALL, "old");
  const next = signature(URL_1, CALL, "new");
  const accepts = (verifier: ReturnType<typeof verifierOf>) =>
    Promise.all(
      [old, next].map((untrustedSignature) => verifier.verify({ ...request, untrustedSignature })),
    );
  assert.deepEqual(await accepts(verifierOf("old")), [true, false]);
  assert.deepEqual(await accepts(verifierOf("old", "new")), [true, true]);
  assert.deepEqual(await accepts(verifierOf("new", "old")), [true, true]);
  assert.deepEqual(await accepts(verifierOf("new")), [false, true]);
});

Deno.test("a URL that the package throws at is refused", async () => {
  const untrustedSignature = "x".repeat(28);
  for (const url of ["/relative", "", "https://", "http://[::1/x"]) {
    assert.equal(
      await verifierOf(TOKEN).verify({ ...request, url, untrustedSignature }),
      false,
      url,
    );
  }
});

const typed = (text: string) => ({ url: new URL(text), typed: text });

for (
  const [publicUrl, requestUrl, expected] of [
    ["https://edge.example", "http://10.0.0.1:8000/a?b=1", "https://edge.example/a?b=1"],
    ["https://edge.example/", "http://x/a//b/../c?q='|\"", "https://edge.example/a//b/../c?q='|\""],
    ["https://edge.example:8443", "http://x/a", "https://edge.example:8443/a"],
    ["https://edge.example", "http://other@x/a", "https://edge.example/a"],
    ["https://edge.example", "http://x/a?b#rc=2&rp=all", "https://edge.example/a?b"],
    ["https://edge.example", "http://x//evil.example/a", "https://edge.example//evil.example/a"],
    ["https://edge.example", "http://x/a?u=http://y/z", "https://edge.example/a?u=http://y/z"],
  ] as const
) {
  Deno.test(`signedUrls() makes ${expected} of ${requestUrl}`, () => {
    assert.deepEqual(signedUrls(typed(publicUrl), requestUrl), [expected]);
  });
}

for (
  const [publicUrl, expected] of [
    ["https://Edge.Example", ["https://edge.example/a", "https://Edge.Example/a"]],
    ["HTTPS://edge.example/", ["https://edge.example/a", "HTTPS://edge.example/a"]],
    ["https://edge.example:443", ["https://edge.example/a", "https://edge.example:443/a"]],
    ["https://bücher.example:8443", [
      "https://xn--bcher-kva.example:8443/a",
      "https://bücher.example:8443/a",
    ]],
    ["https://xn--bcher-kva.example", [
      "https://xn--bcher-kva.example/a",
      "https://bücher.example/a",
    ]],
  ] as const
) {
  Deno.test(`with PUBLIC_URL ${publicUrl} what was typed may be signed, and its plain form`, () => {
    assert.deepEqual(signedUrls(typed(publicUrl), "http://10.0.0.1:8000/a"), expected);
  });
}

for (
  const [publicUrl, calledUrl, expected] of [
    ["https://edge.example", "http://Edge.Example/a", "https://Edge.Example/a"],
    ["https://edge.example:8443", "http://EDGE.example:8000/a?b", "https://EDGE.example:8443/a?b"],
    ["https://edge.example", "http://Edge.Example.evil/a", null],
    ["https://edge.example", "http://Edge/a", null],
  ] as const
) {
  Deno.test(`called ${calledUrl}, ${publicUrl} may have been typed with those capitals alone`, () => {
    const [, called] = signedUrls(typed(publicUrl), calledUrl);
    assert.equal(called ?? null, expected);
  });
}

Deno.test("a request of Deno.serve tells its host and target as they came over the wire", async () => {
  const urls: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    urls.push(...signedUrls(typed("https://edge.example"), request.url));
    return new Response(null, { status: 204 });
  });
  const targets = ["/a?x=It's&y=%27", "/a/../b/./c?", "/a%2e%2e/b", '/a?"<>|{}^`', "//a"];
  for (const target of targets) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const head = `POST ${target} HTTP/1.1\r\nhost: Edge.Example:443\r\nconnection: close\r\n`;
    await connection.write(new TextEncoder().encode(`${head}content-length: 0\r\n\r\n`));
    // Until the first bytes of the answer: the handler has run.
    await connection.read(new Uint8Array(64));
  }
  await server.shutdown();
  assert.deepEqual(
    urls,
    targets.flatMap((target) => [`https://edge.example${target}`, `https://Edge.Example${target}`]),
  );
});

/** What a case does to a request that was signed in good order. */
const CHANGES = [
  "nothing",
  "other-token",
  "random-signature",
  "changed-value",
  "repeated-field",
  "moved-border",
  "merged-fields",
  "other-path",
  "further-field",
] as const;

function changed(
  change: typeof CHANGES[number],
  pairs: readonly (readonly [string, string])[],
  at: number,
): (readonly [string, string])[] {
  const [name, value] = pairs[at % pairs.length] ?? ["", ""];
  const others = pairs.filter(([other]) => other !== name);
  switch (change) {
    case "changed-value":
      return [...others, [name, `${value}x`]];
    case "repeated-field":
      return [...pairs, [name, value]];
    case "moved-border":
      return [...others, [name.slice(0, -1), name.slice(-1) + value]];
    case "merged-fields": {
      const sorted = pairs.toSorted(([one], [other]) => one < other ? -1 : 1);
      const index = sorted.findIndex(([other]) => other === name);
      const [nextName, nextValue] = sorted[index + 1] ?? ["", ""];
      return [
        ...others.filter(([other]) => other !== nextName),
        [name, value + nextName + nextValue],
      ];
    }
    case "further-field":
      return [...pairs, ["Zzz", ""]];
    default:
      return [...pairs];
  }
}

Deno.test("10,000 generated requests: nothing is let in that the package's own validator refuses", async () => {
  const { validateRequest } = await import("twilio/lib/webhooks/webhooks.js");
  const verifier = verifierOf(AUTH_TOKEN, "next");
  const own = { accountSid: ACCOUNT_SID, sender: { from: OWN_NUMBER } };
  const counts = { letIn: 0, refusedByBoth: 0, refusedByUsAlone: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...CHANGES),
      fc.dictionary(
        fc.constantFrom("Body", "FromCity", "OptOutType", "MediaUrl0", "__proto__", "A b", "é"),
        fc.string({ unit: "grapheme", maxLength: 12 }),
      ),
      fc.constantFrom("/ingress/twilio/sms", "/ingress/twilio/sms?x=It's", "/a?b=%27&c=+d&&"),
      fc.nat(),
      fc.boolean(),
      async (change, fields, target, at, isNext) => {
        const good = inboundFields({ ...fields, MessageSid: `SM${"1".repeat(32)}` });
        const url = `https://edge.example${target}`;
        const token = change === "other-token" ? "other" : isNext ? "next" : AUTH_TOKEN;
        const untrustedSignature = change === "random-signature"
          ? btoa(String(at).padEnd(20, "0").slice(0, 20))
          : signature(url, good, token);
        const sentTo = change === "other-path" ? url.replace("example/", "example/x") : url;
        const body = new URLSearchParams(
          changed(change, Object.entries(good), at).map(([name, value]) => [name, value]),
        );

        const read = fieldsOf(body);
        const isLetIn = read.ok && await verifier.verify({
          url: sentTo,
          untrustedSignature,
          content: form(read.value),
        }) && readInboundText(body, own).ok;

        const asExpressReadsIt = parse(String(body));
        const packageAccepts = [AUTH_TOKEN, "next"].some((each) =>
          validateRequest(each, untrustedSignature, sentTo, asExpressReadsIt)
        );
        assert.ok(packageAccepts || !isLetIn, `let in after ${change}: ${body}`);
        // Leaving everything as it was is let in, so the comparison is not one of refusals alone.
        if (change === "nothing") assert.ok(isLetIn, String(body));
        counts[isLetIn ? "letIn" : packageAccepts ? "refusedByUsAlone" : "refusedByBoth"]++;
      },
    ),
    { numRuns: 10_000 },
  );
  for (const [outcome, count] of Object.entries(counts)) {
    assert.ok(count > 500, `only ${count} of the cases are ${outcome}`);
  }
});
