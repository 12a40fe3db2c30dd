import { expect, test } from "vitest";
import { LatestToken } from "./latest-token.ts";

test("a digest is computed once while the token is the same, and each token has its digest", () => {
  const latest = new LatestToken();
  const computed: string[] = [];
  const compute = (token: string) => {
    computed.push(token);
    return `digest of ${token}`;
  };
  for (const token of ["a", "a", "b", "a", "a"])
    expect(latest.digestOf(token, compute)).toBe(`digest of ${token}`);
  expect(computed).toEqual(["a", "b", "a"]);
  latest.forget();
  latest.digestOf("a", compute);
  expect(computed).toEqual(["a", "b", "a", "a"]);
});

test("a token whose digest cannot be computed does not get that of the token before it", () => {
  const latest = new LatestToken();
  latest.digestOf("a", () => "digest of a");
  const fail = () => {
    throw new Error("no digest");
  };
  expect(() => latest.digestOf("b", fail)).toThrow("no digest");
  expect(() => latest.digestOf("b", fail)).toThrow("no digest");
  expect(latest.digestOf("a", fail)).toBe("digest of a");
});
