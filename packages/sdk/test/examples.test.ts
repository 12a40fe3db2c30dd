import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listExports, runExamples } from "../../testkit/src/examples.ts";
import { startTarget } from "../../testkit/src/target.ts";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { startTlsService } from "./support/tls-service.ts";

const ENTRIES = new Map([
  ["capability-sdk", await listExports("packages/sdk/src/index.ts")],
  ["capability-sdk/pem", await listExports("packages/sdk/src/pem.ts")],
  ["capability-sdk/profiles", await listExports("packages/sdk/src/profiles/index.ts")],
]);

/** Begins each example, which is a separate program with an empty home directory and a new name for its membrane. */
const PRELUDE = `
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import CapabilitySDK from "capability-sdk";
const { CREATE_URI = "", QUERY_URI = "", TARGET = "", CA = "", AUTHORITY = "", HOMES = "" } = process.env;
const HOME = mkdtempSync(HOMES + "/");
const id = randomUUID();
void [CapabilitySDK, CREATE_URI, QUERY_URI, TARGET, CA, AUTHORITY, HOME, id];
`;

test("every public export has an example", () => {
  const all = [...ENTRIES.values()].flat();
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
});

test("every example compiles, and has the results in its comments", async () => {
  await using service = await startTlsService();
  await using target = await startTarget();
  await using homes = await temporaryDirectory();
  const caFile = join(homes.path, "ca.pem");
  await writeFile(caFile, service.ca);
  const result = await runExamples("packages/sdk", ENTRIES, PRELUDE, {
    CREATE_URI: service.create,
    QUERY_URI: service.query,
    AUTHORITY: service.authority,
    CA: service.ca,
    TARGET: target.url,
    HOMES: homes.path,
    NODE_EXTRA_CA_CERTS: caFile,
  });
  expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
});
