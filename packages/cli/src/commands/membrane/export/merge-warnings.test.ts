import { expect, test } from "vitest";
import { mergeWarnings } from "./merge-warnings.ts";

test("warnings of one cause are one, with the first field and how many others there are", () => {
  const fields = [
    "limits.requests[0].paths[0]",
    "limits.requests[0].paths[1]",
    "limits.requests[1].paths[0]",
  ];
  const found = [...fields, "limits.paths[0]"].map((field) => ({ field, message: "admits no request" }));
  const other = { field: "limits.requests[0].paths[1]", message: "another" };
  expect(mergeWarnings([...found, other])).toEqual([
    { field: "limits.requests[0].paths[0]", message: "admits no request", others: 2 },
    { field: "limits.paths[0]", message: "admits no request", others: 0 },
    { ...other, others: 0 },
  ]);
});
