import { expect, test } from "vitest";
import { parseUid } from "../domain/uid.ts";
import { createServiceKeys } from "../store/keys.ts";
import { CHAIN_START, link, MAX_LINE_BYTES } from "./chain.ts";
import { describeCut } from "./entry.ts";

test("a line on any number of revokes is one that verify takes, and counts those that it does not name", () => {
  const uids = Array.from({ length: 65_536 }, (_, index) => parseUid(index.toString(16).padStart(32, "0")));
  const cut = describeCut(new Set(uids), 7);
  expect(cut).toMatchObject({ unnamed: 64_512, exchanges: 7 });
  const entry = { event: "cut", time: 0, fields: JSON.stringify(cut) };
  const { line } = link(CHAIN_START, "ab".repeat(16), entry, createServiceKeys(Buffer.alloc(32, 7)));
  expect(line.length).toBeLessThan(MAX_LINE_BYTES);
  expect(describeCut(new Set(uids.slice(0, 1)), 1)).toEqual({ revoked: [expect.any(String)], exchanges: 1 });
  expect(describeCut("everything", 1)).toEqual({ revoked: "everything", exchanges: 1 });
});
