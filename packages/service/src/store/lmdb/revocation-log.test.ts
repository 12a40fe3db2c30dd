import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newUid } from "../../domain/uid.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { createServiceKeys } from "../keys.ts";
import { openEnvironment } from "./environment.ts";
import { openFormat } from "./schema-version.ts";
import { createRevocationLog } from "./revocation-log.ts";
import { openRows } from "./schema.ts";

test("the head is verified when it has moved, and only then: an invocation asks for it each time", async () => {
  await using directory = await temporaryDirectory();
  const environment = await openEnvironment(join(directory.path, "store"), 2_000);
  try {
    let verified = 0;
    const real = createServiceKeys(randomBytes(32));
    const keys = {
      ...real,
      verifyRowMac: (row: Uint8Array, mac: Uint8Array) => ((verified += 1), real.verifyRowMac(row, mac)),
    };
    const { tables, snapshot, write } = environment;
    const rows = openRows(tables, keys);
    await openFormat(environment, keys);
    const log = createRevocationLog(tables.meta, rows);

    const first = snapshot(log.head);
    verified = 0;
    for (let round = 0; round < 100; round += 1) expect(snapshot(log.head)).toEqual(first);
    expect(verified).toBe(0);

    const revoked = newUid(randomBytes);
    await write(() => log.append(revoked));
    verified = 0;
    for (let round = 0; round < 100; round += 1) {
      expect(snapshot(log.head)).toEqual({ log: first.log, sequence: first.sequence + 1n });
    }
    expect(verified).toBe(1);
    expect(snapshot(() => log.since(first)).uids).toEqual(new Set([revoked]));
  } finally {
    await environment.close();
  }
});
