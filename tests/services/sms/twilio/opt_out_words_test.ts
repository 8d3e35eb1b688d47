import assert from "node:assert/strict";
import { optOutWish } from "../../../../services/sms/twilio/opt_out_words.ts";

const wish = (untrustedBody: string, to = "+15550100000") =>
  optOutWish({ untrustedBody, optOutType: null, to });

for (
  const word of ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
) {
  Deno.test(`OPT-01 ${word} opts out, as the whole of a text and not as a part of it`, () => {
    assert.equal(wish(word), "out");
    for (const phrase of [`${word} PLEASE`, `please ${word}`, `${word}.`, `${word}!`, `x${word}`]) {
      assert.equal(wish(phrase), null, phrase);
    }
  });

  Deno.test(`OPT-02 ${word.toLowerCase()} opts out in any case and with blanks around it`, () => {
    for (const text of [word.toLowerCase(), `${word[0]}${word.slice(1).toLowerCase()}`]) {
      assert.equal(wish(text), "out");
      for (const around of ["  ", "\r\n", "\u00a0", "\u200b", "\u200f", "\ufeff"]) {
        assert.equal(wish(around + text + around), "out", JSON.stringify(around));
      }
    }
  });
}

for (const word of ["START", "YES", "UNSTOP", "unstop", " Start "]) {
  Deno.test(`OPT-03 ${JSON.stringify(word)} opts in`, () => {
    assert.equal(wish(word), "in");
    assert.equal(wish(`${word.trim()} please`), null);
  });
}

for (const word of ["HELP", "INFO", "help", " Info\n"]) {
  Deno.test(`OPT-04 ${JSON.stringify(word)} asks for help and changes nothing`, () => {
    assert.equal(wish(word), "help");
  });
}

for (const to of ["+18005550100", "+18885550100", "+18335550100"]) {
  Deno.test(`a YES to the toll-free ${to} opens nothing, START and UNSTOP do`, () => {
    assert.equal(wish("YES", to), null);
    assert.equal(wish("START", to), "in");
    assert.equal(wish("UNSTOP", to), "in");
    assert.equal(wish("STOP", to), "out");
  });
}

Deno.test("what Advanced Opt-Out has understood goes before the words", () => {
  const told = (optOutType: "STOP" | "START" | "HELP", untrustedBody: string) =>
    optOutWish({ untrustedBody, optOutType, to: "+15550100000" });
  assert.equal(told("STOP", "no more of this"), "out");
  assert.equal(told("START", "STOP"), "in");
  assert.equal(told("HELP", "STOP"), "help");
});

Deno.test("letters of an East Asian keyboard are letters", () => {
  assert.equal(wish("ＳＴＯＰ"), "out");
  assert.equal(wish("ｓｔｏｐ"), "out");
  assert.equal(wish("ＳＴＡＲＴ"), "in");
});

Deno.test("everyday texts ask for nothing", () => {
  for (const text of ["", " ", "Yes, please", "stop it", "the end", "STOP\0", "0"]) {
    assert.equal(wish(text), null, JSON.stringify(text));
  }
});
