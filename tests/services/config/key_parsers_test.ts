import assert from "node:assert/strict";
import { publicKeyText } from "../../../services/config/key_parsers.ts";

const PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----";
const CERTIFICATE = PEM.replaceAll("PUBLIC KEY", "CERTIFICATE");
const JWK = '{"kty":"OKP","crv":"Ed25519","x":"AA"}';

const TAKEN: readonly [what: string, text: string, value: string][] = [
  ["a PEM", PEM, PEM],
  ["a PEM on one line, its line breaks written \\n", PEM.replaceAll("\n", "\\n"), PEM],
  ["a certificate", CERTIFICATE, CERTIFICATE],
  ["a JWK", JWK, JWK],
  ["a JWKS with white space around it", ` {"keys":[${JWK}]}\n`, `{"keys":[${JWK}]}`],
];
for (const [what, text, value] of TAKEN) {
  Deno.test(`publicKeyText takes ${what}`, () => assert.equal(publicKeyText.parse(text), value));
}

const REFUSED: readonly [what: string, text: string][] = [
  ["a private PEM", PEM.replaceAll("PUBLIC", "PRIVATE")],
  ["a public PEM with a private one after it", `${PEM}\n${PEM.replaceAll("PUBLIC", "PRIVATE")}`],
  ["a PKCS #1 PEM, which says nothing of the algorithm", PEM.replaceAll("PUBLIC", "RSA PUBLIC")],
  ["a private JWK", '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}'],
  ["a shared secret as JWK", '{"kty":"oct","k":"AA"}'],
  ["a JWKS with a private key in it", `{"keys":[${JWK},{"kty":"RSA","d":"AA"}]}`],
  ["an empty JWKS", '{"keys":[]}'],
  ["JSON that is no key", "[1]"],
  ["a path", "./key.pem"],
];
for (const [what, text] of REFUSED) {
  Deno.test(`publicKeyText refuses ${what}`, () => {
    assert.equal(publicKeyText.parse(text), undefined);
  });
}
