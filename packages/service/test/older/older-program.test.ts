import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { firstTokens, initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { run } from "../../../testkit/src/run.ts";
import { TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createFaultyDisk } from "../support/disk/faulty-disk.ts";
import { cutPower } from "../support/disk/power-cut.ts";
import { buildOlderProgram } from "../support/older-program.ts";

/* After an upgrade is undone, the older program finds records that it cannot read. It must not serve them as if they had no limits. */

const BUILD_MS = 300_000;
const TOO_NEW = { status: 503, json: { code: "record_too_new" } };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let program: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  program = await buildOlderProgram(directory.path);
}, BUILD_MS);
afterAll(() => directory[Symbol.asyncDispose]());

const LIMITED = {
  methods: { limits: { methods: ["GET"] } },
  paths: { allowPath: true, limits: { paths: ["/"] } },
  query: { allowQuery: true, limits: { query: {} } },
  headers: { limits: { headers: {} } },
  requests: { limits: { requests: [{ methods: ["GET"] }] } },
  maxBodyBytes: { limits: { maxBodyBytes: 9 } },
  maxUses: { limits: { maxUses: 9 } },
  ttlMs: { limits: { ttlMs: 3_600_000 } },
  notBefore: { limits: { notBefore: "2020-01-01T00:00:00Z" } },
  clientCidrs: { limits: { clientCidrs: ["127.0.0.0/8"] } },
  delegable: { limits: { delegable: false } },
  label: { label: "a label" },
  allowPath: { allowPath: true },
  "a list in allowQuery": { allowQuery: ["a"] },
  allowHeaders: { allowHeaders: ["x-amz-target"] },
} as const;

/** What limits refuse in a POST. */
const REFUSED_POST: Readonly<Record<string, number>> = {
  methods: 405,
  "of methods": 405,
  requests: 405,
  "of requests": 405,
  maxBodyBytes: 413,
  "of maxBodyBytes": 413,
};

/** Exports all of these targets, and re-exports what may be. */
async function exportAll(
  service: ServiceProcess,
  through: string,
  uri: string,
): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  const plain = await exportThrough(service, through, { uri });
  const capability = (token: string): string => uriOf({ authority: TEST_AUTHORITY }, token);
  for (const [name, body] of Object.entries(LIMITED)) {
    const token = await exportThrough(service, through, { uri, ...body });
    tokens.set(name, token);
    if (name === "delegable") continue;
    tokens.set(`of ${name}`, await exportThrough(service, through, { capability: capability(token) }));
  }
  const limits = { maxUses: 9 };
  tokens.set(
    "plain with limits",
    await exportThrough(service, through, { capability: capability(plain), limits }),
  );
  return tokens.set("plain", plain);
}

test(
  "a program from before openings and limits serves nothing that has them: 503, and nothing is sent",
  async () => {
    await using target = await startTarget();
    await using data = await initDataDirectory();
    const { create } = data.tokens;
    await using first = await spawnService(data.path);
    const kept = await createMembrane(first, create, "kept");
    const ended = await createMembrane(first, create, "ended");
    const tokens = await exportAll(first, kept.export, target.url);
    const below = await exportAll(first, ended.export, target.url);
    await first.end("SIGTERM");

    await using older = await spawnService(data.path, { program });
    for (const [name, token] of tokens) {
      const response = await call(older, token);
      if (name === "plain") expect(response).toMatchObject({ status: 200, text: "ok" });
      else expect({ name, ...response }).toMatchObject({ name, ...TOO_NEW });
      const body = { capability: uriOf({ authority: TEST_AUTHORITY }, token) };
      const again = await call(older, kept.export, { body });
      expect({ name, status: again.status }).toEqual({ name, status: name === "plain" ? 201 : 503 });
    }
    expect(target.requests).toHaveLength(1);
    expect(older.logged().filter(({ msg }) => msg === "record too new").length).toBeGreaterThan(0);

    expect(await call(older, ended.revoke, { method: "DELETE" })).toMatchObject({ status: 202 });
    await expect.poll(() => older.logged().map(({ msg }) => msg)).toContain("swept");
    for (const token of below.values()) expect([401, 503]).toContain((await call(older, token)).status);
    expect(target.requests).toHaveLength(1);
    await older.end("SIGTERM");

    await using again = await spawnService(data.path);
    for (const token of below.values()) expect((await call(again, token)).status).toBe(401);
    for (const [name, token] of tokens) {
      expect({ name, status: (await call(again, token)).status }).toEqual({ name, status: 200 });
      const status = REFUSED_POST[name];
      if (status !== undefined)
        expect(await call(again, token, { body: "0123456789" })).toMatchObject({ status });
    }
  },
  BUILD_MS,
);

/** What the older program acknowledged of one membrane. */
interface OlderLife {
  readonly revoke: string;
  readonly token: string;
  isRevoked: boolean;
}

/** Creates, exports and revokes until the service is killed. */
async function liveUntilKilled(
  service: ServiceProcess,
  create: string,
  uri: string,
  lives: OlderLife[],
): Promise<never> {
  for (let i = 0; ; i += 1) {
    const { export: through, revoke } = await createMembrane(service, create, `m${i}`);
    const life = { revoke, token: await exportThrough(service, through, { uri }), isRevoked: false };
    lives.push(life);
    if (i % 2 === 0) continue;
    expectStatus(await call(service, revoke), 202);
    life.isRevoked = true;
  }
}

test.each([
  [
    "between a commit and its flush",
    { calls: ["flush"], action: { kind: "kill before", heldMs: 20 }, skip: 20 },
  ],
  [
    "between pages and the head of a commit",
    { calls: ["head"], action: { kind: "kill before", heldMs: 20 }, skip: 41 },
  ],
] as const)(
  "what the older program acknowledged before it was killed %s and the power failed holds in this one, which can revoke it",
  async (_point, rule) => {
    await using target = await startTarget();
    await using disk = await createFaultyDisk();
    await using data = await temporaryDirectory();
    const older = await spawnService(data.path, { program, env: disk.env });
    const tokens = await firstTokens(data.path);
    const dataFile = join(data.path, "store", "data.mdb");
    const lives: OlderLife[] = [];
    {
      using _rule = disk.add({ ...rule, of: dataFile });
      await expect(liveUntilKilled(older, tokens.create, target.url, lives)).rejects.toThrow();
      await older.ended();
    }
    cutPower(disk.journal, dataFile, () => true);
    await using service = await spawnService(data.path, { env: { LMDB_RESTORE: "safe" } });
    expect(lives.length).toBeGreaterThan(3);
    // The revoke of the last one may have taken effect without a response.
    for (const { token, isRevoked } of lives.slice(0, -1))
      expect((await call(service, token)).status).toBe(isRevoked ? 401 : 200);
    for (const { token, revoke } of lives) {
      expectStatus(await call(service, revoke), 202);
      expectStatus(await call(service, token), 401);
    }
    await createMembrane(service, tokens.create, "of this program");
  },
);

test(
  "a program from before rotations refuses a store whose service key was rotated, and its file of keys, with a message",
  async () => {
    await using data = await initDataDirectory();
    const file = join(data.path, "service.key");
    const list = () =>
      run(process.execPath, [program, "tenant", "list", "--data", data.path], { env: process.env });
    expect(await list()).toMatchObject({ code: 0, stdout: "default\n" });
    expect(await runMembrane(["key", "rotate", "--data", data.path])).toMatchObject({ code: 0 });
    expect(await list()).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("service.key: expected 64 lower-case hex digits"),
    });
    for (const line of (await readFile(file, "utf8")).trim().replaceAll("retired ", "").split("\n")) {
      await writeFile(file, `${line}\n`);
      expect(await list()).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/^membrane: the store has format 4, this program reads formats? .*2/),
      });
    }
  },
  BUILD_MS,
);
