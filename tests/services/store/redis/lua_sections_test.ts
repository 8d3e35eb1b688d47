import assert from "node:assert/strict";
import { readSections } from "../../../../services/store/redis/lua_sections.ts";

const BASE = "-- A heading, which is sent with nothing.\n\n--== base\nlocal a = 1\n";
const MORE = "--== left uses base\nlocal l = a\n\n--== right uses base\nlocal r = a\n\n" +
  "--== both uses left right\nreturn l + r\n\n--== alone\n\n\nreturn 0\n";

Deno.test("a script is sent behind all that it uses, each section once, and with nothing else", () => {
  const lua = readSections([BASE, MORE]);
  assert.equal(
    lua.scriptText("both"),
    "local a = 1\nlocal l = a\nlocal r = a\nreturn l + r\n",
  );
  assert.equal(lua.scriptText("left"), "local a = 1\nlocal l = a\n");
  assert.equal(lua.scriptText("alone"), "return 0\n");
});

Deno.test("the order of the files does not matter", () => {
  assert.equal(
    readSections([MORE, BASE]).scriptText("both"),
    readSections([BASE, MORE]).scriptText("both"),
  );
});

Deno.test("a section that is named twice, or used and not there, is a fault of the program", () => {
  assert.throws(() => readSections([BASE, BASE]), /^Error: Cannot name two sections of Lua base$/);
  assert.throws(
    () => readSections([MORE]).scriptText("left"),
    /^Error: Cannot find the section of Lua base$/,
  );
});
