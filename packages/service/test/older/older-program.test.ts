import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
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
