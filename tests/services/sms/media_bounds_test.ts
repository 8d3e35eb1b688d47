import assert from "node:assert/strict";
import { oneRange, relayedType } from "../../../services/sms/media_bounds.ts";

const RELAYED = [
  ["image/jpeg", "image/jpeg"],
  ["IMAGE/PNG", "image/png"],
  [" image/heic ; q=1", "image/heic"],
  ["audio/amr", "audio/amr"],
  ["video/3gpp", "video/3gpp"],
  ["video/vnd.dlna.mpeg-tts", "video/vnd.dlna.mpeg-tts"],
  ["text/vcard; charset=utf-8", "text/vcard"],
  ["text/plain", "text/plain"],
  ["application/pdf", "application/pdf"],
] as const;

Deno.test("types that people send each other are relayed, without parameters", () => {
  for (const [told, relayed] of RELAYED) assert.equal(relayedType(told), relayed, told);
});

Deno.test("what may run, what describes the account and what is no type is not relayed", () => {
  const others = [
    ...["text/html", "image/svg+xml", "IMAGE/SVG+XML;a=b", "application/xhtml+xml", "text/xml"],
    ...["application/javascript", "application/json", "text/css", "text/csv", "multipart/mixed"],
    ...["application/octet-stream", "image/", "image", "", "image/png, text/html", "image/p\ng"],
  ];
  for (const told of [null, ...others]) assert.equal(relayedType(told), null, String(told));
});

Deno.test("one range of bytes is passed on as it is, anything else asks for the whole", () => {
  for (const range of ["bytes=0-", "bytes=0-0", "bytes=5-99", "bytes=-500"]) {
    assert.equal(oneRange(range), range);
  }
  assert.equal(oneRange("Bytes=0-9"), "bytes=0-9");
  const others = [
    "",
    "bytes=",
    "bytes=-",
    "bytes=0-1,3-4",
    "lines=0-1",
    "bytes=a-b",
    "bytes =0-",
    "bytes=5-2",
  ];
  for (const range of [null, ...others, `bytes=0-${"9".repeat(40)}`, "bytes=0-1\r\nx: y"]) {
    assert.equal(oneRange(range), null, String(range));
  }
});
