import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseToken, tokenBytes } from "capability-protocol";
import { expect, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { databaseFiles } from "../../../testkit/src/postgres-engine.ts";
import { openRawPostgres } from "../../../testkit/src/raw-postgres.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { FullStore } from "../../../testkit/src/full-store.ts";
import { CANARY_HOST, createFullStore } from "../../../testkit/src/full-store.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const STORES = ["lmdb", "postgres"] as const;

/** Where a name is found: in each kind of file that a store has, and in a row. */
const PLACES = {
  lmdb: [/^store\/data\.mdb$/],
  postgres: [/\/base\//, /\/pg_wal\//, /^row /],
};

test.each(STORES)(
  "no file of the store and no log line has a token, a target or a credential: while it runs, after the revoke and the sweep, and when it has ended, over %s",
  async (engine) => {
    await using directory = await temporaryDirectory();
    await using target = await startTarget();
    await using service = await startTestService({
      directory: directory.path,
      engine,
      lookup: (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    const made = await createFullStore(service, target.port);
    const forbidden = formsOf(made);
    await use(service, made);
    expect(target.requests.map(({ url }) => url)).toContain("/canary-path-91aa?canary-query-77c1=1");
    expectNothingIn(await stored(engine, directory.path), forbidden);

    await end(service, made);
    expectNothingIn(await stored(engine, directory.path), forbidden);
    await service.close();
    expectNothingIn(await stored(engine, directory.path), forbidden);

    const logged = Buffer.from(service.logged());
    expect(logged.includes("managed")).toBe(true);
    expectNothingIn(new Map([["the log", logged]]), forbidden);
  },
);

test.each(STORES)("the scan finds texts in the store: names, which are in clear, over %s", async (engine) => {
  await using directory = await temporaryDirectory();
  await using service = await startTestService({ directory: directory.path, engine });
  expectStatus(await call(service, service.tokens.create, { body: { id: "a name in clear" } }), 201);
  const files = await stored(engine, directory.path);
  const name = new Map([["a name", Buffer.from("a name in clear")]]);
  const places = [...files].filter(([, bytes]) => bytes.includes("a name in clear")).map(([path]) => path);
  for (const place of PLACES[engine]) expect(places).toContainEqual(expect.stringMatching(place));
  expect(() => expectNothingIn(files, name)).toThrow("holds a name");
});

test("a copy of the store without its service key cannot be opened with any token", async () => {
  await using directory = await temporaryDirectory();
  await using copy = await temporaryDirectory();
  await using target = await startTarget();
  await using service = await startTestService({ directory: directory.path });
  await createFullStore(service, target.port);
  await cp(join(directory.path, "store"), join(copy.path, "store"), { recursive: true });
  await expect(startTestService({ directory: copy.path })).rejects.toThrow(
    /holds the service key.*restore it/,
  );
});

/** Returns the bytes of all files in which the store is; of a database also all rows, since its files may be compressed. */
async function stored(engine: (typeof STORES)[number], directory: string): Promise<Map<string, Buffer>> {
  const files = await bytesOf(directory);
  if (engine === "lmdb") return files;
  for (const path of await databaseFiles(join(directory, "store")))
    for (const [name, bytes] of await bytesOf(path)) files.set(`${path}/${name}`, bytes);
  await using raw = await openRawPostgres(directory);
  for (const [place, { table, key, value }] of (await raw.rows()).entries())
    files.set(`row ${place} of ${table}`, Buffer.concat([key, value]));
  return files;
}

/** Uses every token once for everything that it can do. */
async function use(service: TestService, { tokens }: FullStore): Promise<void> {
  for (const name of [
    "plain",
    "gamma of plain",
    "beta of gamma of plain",
    "gamma limited plain",
    "beta of gamma limited plain",
    "aws4",
    "cap1",
  ] as const) {
    const options = { body: "canary-request-body", headers: { "x-canary": "canary-request-header" } };
    expectStatus(await call(service, tokens[name], options), 200);
  }
  // Faults and refusals are logged too: a target without TLS, an unreachable foreign authority, invalid input.
  expectStatus(await call(service, tokens.tls), 502);
  expectStatus(await call(service, tokens.foreign), 502);
  expectStatus(await call(service, tokens.query, { path: "/?limit=9" }), 200);
  expectStatus(await call(service, tokens["alpha export"], { body: { uri: CANARY_HOST } }), 400);
  expectStatus(
    await call(service, tokens["alpha export"], { body: `{"uri": "https://${CANARY_HOST}/` }),
    400,
  );
  expectStatus(await call(service, `${tokens.plain}x`), 401);
  expectStatus(await call(service, tokens["gamma of create"], { body: { id: "delta" } }), 201);
}

/** Revokes everything in each possible way, and waits for the sweep. */
async function end(service: TestService, { tokens }: FullStore): Promise<void> {
  for (const name of ["beta revoke", "gamma of alpha revoke", "second deleteSelf", "deleteSelf"] as const) {
    expectStatus(await call(service, tokens[name], { method: "DELETE" }), 202);
  }
  for (const token of Object.values(tokens)) {
    const { status } = await call(service, token, { method: "PATCH" });
    expect([401, 405]).toContain(status);
  }
  for (let more = true; more;) ({ more } = await service.data.store.sweep(1_000));
}

/** Returns the secrets that must not be found, in every form that a store could have. */
function formsOf({ tokens, secrets }: FullStore): Map<string, Buffer> {
  const forms = new Map<string, Buffer>();
  for (const [name, text] of Object.entries(tokens)) {
    const token = parseToken(text);
    if (token === undefined) throw new Error(`${name} is not a token`);
    forms.set(`token ${name}`, Buffer.from(text));
    addForms(forms, `bytes of ${name}`, Buffer.from(tokenBytes(token)));
  }
  for (const secret of ["canary-request-body", "canary-request-header", ...secrets]) {
    addForms(forms, secret, Buffer.from(secret));
    forms.set(`${secret} in UTF-16`, Buffer.from(secret, "utf16le"));
  }
  return forms;
}

function addForms(forms: Map<string, Buffer>, name: string, bytes: Buffer): void {
  forms.set(name, bytes);
  forms.set(`${name} in hex`, Buffer.from(bytes.toString("hex")));
  // The last characters depend on the next bytes: without them, the text is also found within longer ones.
  forms.set(`${name} in base64`, Buffer.from(bytes.toString("base64").replace(/.{2}=*$/, "")));
  forms.set(`${name} in base64url`, Buffer.from(bytes.toString("base64url").slice(0, -2)));
}

/** Reads every file, except that of the service key. */
async function bytesOf(directory: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "service.key");
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    paths.map(async (path): Promise<[string, Buffer]> => [
      path.slice(directory.length + 1),
      await readFile(path),
    ]),
  );
  return new Map(read);
}

function expectNothingIn(files: ReadonlyMap<string, Buffer>, forbidden: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    for (const [name, form] of forbidden) {
      if (bytes.includes(form)) throw new Error(`${path} holds ${name}`);
    }
  }
}
