import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCES = new URL("../", import.meta.url).pathname;
const MONITORING = await readFile(new URL("../../../../docs/monitoring.md", import.meta.url), "utf8");

/** The folders whose errors end an exchange. */
const FOLDERS = ["egress", "invocation"];

/** Returns the codes that the errors of a file can have. */
function codesIn(text: string): readonly string[] {
  const declarations = text.matchAll(/readonly code(?::| =)([^;]+);/g);
  return Array.from(declarations).flatMap(([, code = ""]) =>
    Array.from(code.matchAll(/"([A-Z_]+)"/g), ([, word = ""]) => word),
  );
}

test("docs/monitoring.md has a row for each cause that the log can have, and for no other", async () => {
  const codes = new Set<string>();
  for (const folder of FOLDERS) {
    const names = await readdir(join(SOURCES, folder), { recursive: true });
    for (const name of names.filter((each) => each.endsWith(".ts") && !each.endsWith(".test.ts"))) {
      const text = await readFile(join(SOURCES, folder, name), "utf8");
      for (const code of codesIn(text)) codes.add(code);
    }
  }
  const rows = Array.from(MONITORING.matchAll(/^\| `([A-Z_]+)` \| /gm), ([, word = ""]) => word);
  expect(rows.toSorted()).toEqual([...codes].toSorted());
  expect(codes).toContain("EXPIRED");
});
