import { expect, test } from "vitest";
import { parseLeaseReply } from "./lease-statements.ts";

test("a log that was emptied under a running node has a separate cause, and is no defect of the program", () => {
  expect(() => parseLeaseReply({ type: "readHead" }, [], 1_000)).toThrow(
    expect.objectContaining({ code: "ROW_MISSING" }),
  );
});
