import assert from "node:assert/strict";
import {
  egressEntry,
  httpOrigin,
  httpUrl,
  listenHost,
  proxyUrl,
  redisUrl,
} from "../../../services/config/address_parsers.ts";
import type { Parser } from "../../../services/config/parsers.ts";

/** Writes one test per text; a URL is compared by its `href`. */
function table(
  name: string,
  parser: Parser<URL | string>,
  rows: readonly (readonly [text: string, value: string | undefined])[],
) {
  for (const [text, value] of rows) {
    const does = value === undefined ? "refuses" : "takes";
    Deno.test(`${name} ${does} ${JSON.stringify(text)}`, () => {
      assert.equal(parser.parse(text)?.toString(), value);
    });
  }
}

table("httpOrigin", httpOrigin, [
  ["https://host.example", "https://host.example/"],
  ["HTTPS://Host.example/", "https://host.example/"],
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"],
  ["http://[::1]:8000", "http://[::1]:8000/"],
  ["https://host.example/path", undefined],
  ["https://host.example?", undefined],
  ["https://host.example/#", undefined],
  ["https://user@host.example", undefined],
  ["https://@host.example", undefined],
  ["https:///host.example", undefined],
  ["https:host.example", undefined],
  ["https:\\\\host.example", undefined],
  [" https://host.example", undefined],
  ["https://ho\tst.example", undefined],
  ["ftp://host.example", undefined],
  ["host.example", undefined],
  ["https://", undefined],
  ["https://host.example:99999", undefined],
]);

table("httpUrl with query", httpUrl({ query: true }), [
  ["https://host.example/keys?v=1", "https://host.example/keys?v=1"],
  ["https://host.example/a@b", "https://host.example/a@b"],
  ["https://host.example/keys#x", undefined],
  ["https://user:pw@host.example/keys", undefined],
  ["file:///keys", undefined],
]);

table("httpUrl without query", httpUrl({ query: false }), [
  ["https://host.example/redis", "https://host.example/redis"],
  ["https://host.example/?x", undefined],
]);

table("redisUrl", redisUrl, [
  ["redis://localhost:6379", "redis://localhost:6379"],
  ["rediss://user:p%40ss@host.example/15", "rediss://user:p%40ss@host.example/15"],
  ["redis://[::1]:6379/", "redis://[::1]:6379/"],
  ["redis://", undefined],
  ["redis:///0", undefined],
  ["redis://host/zero", undefined],
  ["redis://host/0?tls=1", undefined],
  ["redis://host:99999", undefined],
  ["https://host.example", undefined],
  ["localhost:6379", undefined],
]);

table("listenHost", listenHost, [
  ["0.0.0.0", "0.0.0.0"],
  ["::", "::"],
  ["::ffff:127.0.0.1", "::ffff:127.0.0.1"],
  ["localhost", "localhost"],
  ["my-host.example", "my-host.example"],
  ["[::]", undefined],
  ["1.2.3", undefined],
  ["host:80", undefined],
  ["host name", undefined],
]);

table("proxyUrl", proxyUrl, [
  ["http://proxy.example:3128", "http://proxy.example:3128/"],
  ["HTTPS://user:p%40ss@proxy.example/", "https://user:p%40ss@proxy.example/"],
  ["http://127.0.0.1", "http://127.0.0.1/"],
  ["http://user@[::1]:8080", "http://user@[::1]:8080/"],
  ["http:proxy.example", undefined],
  ["socks5://proxy.example", undefined],
  ["proxy.example:3128", undefined],
  ["http://proxy.example/path", undefined],
  ["http://proxy.example/?a", undefined],
  ["http://proxy.example/#a", undefined],
  ["http://us%3Aer:word@proxy.example", undefined],
  ["http://user:%zz@proxy.example", undefined],
  ["http://user:%0d%0a@proxy.example", undefined],
  ["http://proxy.example:99999", undefined],
  ["http://pro xy.example", undefined],
]);

table("egressEntry", egressEntry, [
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["192.168.1.7", "192.168.1.7"],
  ["FD00::/8", "fd00::/8"],
  ["::1/128", "::1/128"],
  ["::1", "::1"],
  ["localhost", "localhost"],
  ["Hooks.Example", "hooks.example"],
  ["my_service", "my_service"],
  ["*.corp.example", "*.corp.example"],
  ["10.0.0.0/33", undefined],
  ["::/129", undefined],
  ["10.0.0.0/", undefined],
  ["10.0.0.0/8/8", undefined],
  ["10.0.0/8", undefined],
  ["010.0.0.1", undefined],
  ["0x7f.1", undefined],
  ["2130706433", undefined],
  ["host.example/8", undefined],
  ["host.example:443", undefined],
  ["https://host.example", undefined],
  ["host.example.", undefined],
  ["a..b", undefined],
  ["-a.example", undefined],
  ["*", undefined],
  ["*.", undefined],
  ["*.10.0.0.1", undefined],
  ["a.*.example", undefined],
  ["*.*.example", undefined],
  ["[::1]", undefined],
  ["fe80::1%eth0", undefined],
  ["", undefined],
]);
