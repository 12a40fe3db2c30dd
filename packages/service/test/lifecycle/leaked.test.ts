import { fileURLToPath } from "node:url";
import { formatToken } from "capability-protocol";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { openTerminal } from "../../../testkit/src/pseudo-terminal.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));
const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{12}$/);
const TARGET = { uri: "https://target.example/" };

/** A tenant with two membranes; a `create` that went through the first has made a third. */
async function makeMembranes(service: ServiceProcess, create: string) {
  const mail = await createMembrane(service, create, "mail");
  const other = await createMembrane(service, create, "other");
  const exported = await exportThrough(service, mail.export, TARGET);
  const kept = await exportThrough(service, other.export, TARGET);
  const lent = await exportThrough(service, mail.export, {
    capability: uriOf({ authority: "membrane.test" }, create),
  });
  const inner = await createMembrane(service, lent, "inner");
  const below = await exportThrough(service, inner.export, TARGET);
  return { mail, other, exported, kept, lent, below };
}

test("capabilities in a text are found while a service runs, with their kinds and what would end with them, and none is printed or ended", async () => {
  await using data = await initDataDirectory();
  await using service = await spawnService(data.path);
  const { mail, exported, lent } = await makeMembranes(service, data.tokens.create);
  const unknown = formatToken(randomBytes(64));
  const cut = [exported.slice(0, -1), data.tokens.create.slice(0, 60)];
  const input = `GET /#${exported}\n\n"${unknown}" ${mail.export}\n${exported}${lent}\n${data.tokens.query}\n${cut.join("… ")}`;
  const found = await runMembrane(["leaked", "--data", data.path, "--json"], {}, { input });
  expect(found).toMatchObject({ code: 2, stderr: "" });
  expect(found.stdout).not.toContain("CPBLTY1-");
  const membrane = { capability: FINGERPRINT, state: "alive", membrane: "mail", tenant: "default" };
  const once = { occurrences: 1, reexport: false };
  expect(JSON.parse(found.stdout)).toEqual({
    capabilities: [
      { ...membrane, ...once, kind: "invoke", line: 1, occurrences: 2 },
      { ...membrane, ...once, kind: "export", line: 3 },
      { ...membrane, ...once, kind: "create", line: 4, reexport: true },
      { ...once, capability: FINGERPRINT, kind: "query", state: "alive", line: 5, tenant: "default" },
    ],
    membranes: [
      {
        id: "mail",
        tenant: "default",
        leaks: 3,
        ends: { capabilities: 3, membranes: 1, tenants: 0, complete: true },
        revoked: false,
      },
    ],
    unknown: 1,
    unreadable: 0,
    unlistedAlive: 0,
    unlistedDead: 0,
    truncated: 2,
  });
  const text = await runMembrane(["leaked", "--data", data.path], {}, { input });
  expect(text).toMatchObject({ code: 2, stderr: "" });
  expect(text.stdout).not.toContain("CPBLTY1-");
  expect(text.stdout).toContain("Found 4 capabilities of this service, of which 4 are alive:");
  expect(text.stdout).toContain("2 tokens are without an end, and cannot be looked up");
  expect(text.stdout).toContain(
    'Revoking the membrane "mail" of the tenant "default" ends 3 of them, in all 3 capabilities, 1 other membrane',
  );
  expect(text.stdout).toContain('Only "membrane tenant delete" ends create, query and deleteSelf');
  expectStatus(await call(service, mail.revoke), 202);
});

test("--revoke ends what a revoke of a membrane ends and nothing else, is recorded, and what cannot be ended is in the exit code", async () => {
  await using data = await initDataDirectory();
  await using service = await spawnService(data.path);
  const { mail, other, exported, kept, lent, below } = await makeMembranes(service, data.tokens.create);
  const leaked = (input: string) =>
    runMembrane(["leaked", "--data", data.path, "--revoke"], {}, { input: Buffer.from(input) });
  // `inner` descends from `mail`, and needs no second revoke.
  const ended = await leaked([mail.revoke, exported, below].join("\n"));
  expect(ended.code).toBe(0);
  expect(ended.stdout.match(/^Revoked\.$/gm)).toHaveLength(1);
  const events = ended.stderr.trim().split("\n");
  expect(events.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: "operated", command: "leaked", action: "revoke", membrane: FINGERPRINT }),
  ]);
  for (const token of [mail.export, exported, lent, below]) expectStatus(await call(service, token), 401);
  expect((await call(service, kept)).status).not.toBe(401);

  // A revoke that has nothing left to revoke is no danger.
  const again = await leaked([mail.revoke, exported].join("\n"));
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toMatch(/^Found 2 capabilities of this service, of which 0 are alive:\n  revoked /);
  expect(await leaked(`${other.export} ${data.tokens.deleteSelf}`)).toMatchObject({ code: 2 });
  expectStatus(await call(service, kept), 401);
  expect(await leaked("nothing")).toMatchObject({
    code: 0,
    stdout: "No capability of this service was found.\n",
  });
  const cut = await leaked(kept.slice(0, -1));
  expect(cut).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^No .*\n1 token is without an end, .*\n$/),
  });
  expect(cut.stdout).not.toContain("CPBLTY1-");
});

test("a variable cannot revoke, and a directory without a store is an error that no script takes for a leak", async () => {
  await using data = await initDataDirectory();
  const revoking = await runMembrane(
    ["leaked", "--data", data.path],
    { MEMBRANE_REVOKE: "true" },
    { input: "" },
  );
  expect(revoking).toMatchObject({ code: 1, stderr: "membrane: MEMBRANE_REVOKE: no such variable\n" });
  const missing = await runMembrane(["leaked", "--data", `${data.path}/tls`], {}, { input: "" });
  expect(missing.code).toBe(1);
});

test("a text of any size, with any number of tokens, is read in bounded memory", async () => {
  await using data = await initDataDirectory();
  const tokens = Array.from({ length: 200_000 }, (_, at) => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32BE(at);
    return formatToken(bytes);
  });
  const input = [...tokens, data.tokens.create].join("");
  const env = { NODE_OPTIONS: "--max-old-space-size=32" };
  const found = await runMembrane(["leaked", "--data", data.path, "--json"], env, { input });
  expect(found.code).toBe(2);
  expect(JSON.parse(found.stdout)).toMatchObject({ unknown: 200_000, capabilities: [{ kind: "create" }] });
});

test("at a terminal each membrane is revoked only after a yes, although the text comes from a pipe", async () => {
  await using data = await initDataDirectory();
  await using service = await spawnService(data.path);
  const { mail, other, exported, kept } = await makeMembranes(service, data.tokens.create);
  const script = `printf '%s %s' "$1" "$2" | "$3" "$4" leaked --data "$5" 2>&1`;
  const words = ["-c", script, "sh", exported, kept, process.execPath, MEMBRANE, data.path];
  using terminal = openTerminal("sh", words, { PATH: process.env["PATH"] ?? "" });
  await terminal.until("Revoke it? [y/N] ");
  terminal.type("y\r");
  await terminal.until("Revoke it? [y/N] ", 2);
  terminal.type("\r");
  expect(await terminal.ended).toBe(2);
  expect(terminal.shown()).not.toContain("CPBLTY1-");
  expectStatus(await call(service, mail.export), 401);
  expectStatus(await call(service, other.export, { body: TARGET }), 201);
});

test("a text that is pasted at the terminal cannot answer the question: none is asked, and nothing is revoked", async () => {
  await using data = await initDataDirectory();
  await using service = await spawnService(data.path);
  const { mail, exported } = await makeMembranes(service, data.tokens.create);
  using terminal = openTerminal(process.execPath, [MEMBRANE, "leaked", "--data", data.path], {
    PATH: process.env["PATH"] ?? "",
  });
  const endOfFile = "\u0004";
  terminal.type(`${exported}\r${endOfFile}y\r`);
  expect(await terminal.ended).toBe(2);
  expect(terminal.shown()).toContain('Revoking the membrane "mail"');
  expect(terminal.shown()).not.toContain("Revoke it?");
  expectStatus(await call(service, mail.export, { body: TARGET }), 201);
});

test("capabilities of a store in PostgreSQL are found and ended", async () => {
  const { flags, env } = await createTestDatabase();
  await using directory = await initDataDirectory();
  const data = `${directory.path}/node`;
  const command = (words: readonly string[], input?: string) =>
    runMembrane([...words, "--data", data, ...flags], env, input === undefined ? {} : { input });
  const made = await command(["init", "--authority", "membrane.test", "--json"]);
  const create = tokenOf(JSON.parse(made.stdout).capabilities.create);
  await using service = await spawnService(data, { flags, env });
  const { mail, exported } = await makeMembranes(service, create);
  const ended = await command(
    ["leaked", "--json", "--revoke"],
    `${exported} ${formatToken(randomBytes(64))}`,
  );
  expect(ended.code).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    capabilities: [{ kind: "invoke", membrane: "mail" }],
    membranes: [{ id: "mail", ends: { capabilities: 3, membranes: 1 }, revoked: true }],
    unknown: 1,
  });
  for (const token of [mail.export, exported]) expectStatus(await call(service, token), 401);
});
