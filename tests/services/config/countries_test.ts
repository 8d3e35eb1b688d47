import assert from "node:assert/strict";
import { getCountries } from "libphonenumber-js/max";
import { COUNTRIES, country } from "../../../services/config/countries.ts";

Deno.test("DEFAULT_COUNTRY takes exactly the countries by which numbers can be read", () => {
  assert.deepEqual(COUNTRIES, getCountries().toSorted());
  for (const code of ["US", "DE", "GB", "SG"]) assert.equal(country.parse(code), code);
  for (const code of ["us", "USA", "UK", "EU", "ZZ", "1", "+1", " US", ""]) {
    assert.equal(country.parse(code), undefined, code);
  }
});
