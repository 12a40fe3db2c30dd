import { expect, test } from "vitest";
import { createHeads } from "./heads.js";

const REQUESTS = { host: "bench.test", path: "/a?b", tokens: ["token"] };

function headsOf(requests: Parameters<typeof createHeads>[0], count: number) {
  let sent = 0;
  const next = createHeads(requests, () => (sent += 1));
  return Array.from({ length: count }, next);
}

test("Without a load of new heads, all heads of a connection are the same bytes", () => {
  expect(new Set(headsOf(REQUESTS, 100)).size).toBe(1);
});

test("With a load of new heads, no two heads are equal, and all are as long as those that repeat", () => {
  const heads = headsOf({ ...REQUESTS, hasNewHeads: true }, 100);

  expect(new Set(heads).size).toBe(100);
  const [repeated] = headsOf(REQUESTS, 1);
  expect(new Set(heads.map((head) => head.length))).toEqual(new Set([repeated?.length]));
});

test("Each head names one of the tokens, and the length of its body", () => {
  const heads = headsOf({ ...REQUESTS, tokens: ["one", "two"], bodyBytes: 5 }, 100);

  for (const head of heads) {
    expect(head).toMatch(
      /^POST \/a\?b HTTP\/1\.1\r\nHost: bench\.test\r\nAuthorization: Bearer (?:one|two)\r\nContent-Length: 5\r\n/,
    );
  }
  expect(heads.filter((head) => head.includes("Bearer one"))).not.toHaveLength(heads.length);
});
