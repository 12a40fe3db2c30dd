import { expect, test } from "vitest";
import { serverProblem } from "./server-check.ts";

const GOOD = { version: 140_000, fsync: "on", fullPageWrites: "on", isStandby: false };

test.each([
  [{}, undefined],
  [{ version: 180_004 }, undefined],
  [{ version: 130_022 }, "the server has PostgreSQL 13: use version 14 or newer"],
  [{ fsync: "off" }, "the server has fsync off, and would lose acknowledged revokes: turn it on"],
  [
    { fullPageWrites: "off" },
    "the server has full_page_writes off, and a crash could damage its tables: turn it on",
  ],
  [{ isStandby: true }, "the server is a standby, which cannot write: name the primary"],
])("a server with %o has the problem: %s", (given, problem) => {
  expect(serverProblem({ ...GOOD, ...given })).toBe(problem);
});
