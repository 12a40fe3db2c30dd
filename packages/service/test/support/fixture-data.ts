import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import type { FullStoreTokenName } from "../../../testkit/src/full-store.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { NameLookup } from "../../src/egress/resolve-host.ts";
import { decodeColumns } from "../../src/store/codec/columns.ts";

/** Stores that `writeStoreFixture` of older versions wrote; the number is the version of their targets. */
export const FIXTURES: string = fileURLToPath(new URL("../lifecycle/fixtures/", import.meta.url));

export type FixtureTokens = Readonly<Record<FullStoreTokenName | "swept revoke" | "swept target", string>>;

/** Descendants of the revoked membrane `beta`, or deleted after the revoke of `swept`. */
const DEAD = new Set([
  "beta export",
  "beta plain",
  "beta of gamma of plain",
  "beta of gamma limited plain",
  "delegated beta export",
  "swept target",
]);

const SERVICE_KINDS = /create|query|deleteSelf|export|revoke|provision/;

/** No target's name has an address here, so a capability that is alive is a 502 and not a 401. */
export const noAddress: NameLookup = (_name, _options, callback) => callback(null, []);

/** A data directory with the store of a fixture, and the tokens of its capabilities. */
export interface FixtureData extends AsyncDisposable {
  readonly path: string;
  readonly tokens: FixtureTokens;
}

/** @param fixture a folder. */
export async function restoreFixture(fixture: string): Promise<FixtureData> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory.path, "store"));
  const store = gunzipSync(await readFile(join(fixture, "data.mdb.gz")));
  await writeFile(join(directory.path, "store", "data.mdb"), store);
  await copyFile(join(fixture, "service.key"), join(directory.path, "service.key"));
  return {
    path: directory.path,
    tokens: JSON.parse(await readFile(join(fixture, "tokens.json"), "utf8")) as FixtureTokens,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

/** The version of the layout of a store. */
export async function layoutOf(path: string): Promise<number> {
  await using raw = await openRawLmdb(path);
  const row = (await raw.rows("meta")).find(({ key }) => key.toString() === "format")!;
  return decodeColumns(row.value.subarray(0, -32))[0]![0]!;
}

/** Asks for each capability, and checks that exactly those work that should. */
export async function expectAll(service: TestService, tokens: FixtureTokens): Promise<void> {
  for (const [name, token] of Object.entries(tokens)) {
    const isManagement = SERVICE_KINDS.test(name);
    const live = isManagement ? 405 : 502;
    const { status } = await call(service, token, { method: isManagement ? "PATCH" : "GET" });
    expect({ name, status }).toEqual({ name, status: DEAD.has(name) ? 401 : live });
  }
}
