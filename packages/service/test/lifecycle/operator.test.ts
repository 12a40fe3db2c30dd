import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
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
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { readCommandLine } from "../../src/cli.ts";
import { createPrint } from "../../src/commands/print.ts";
import { runOperatorCommand } from "../../src/commands/run-operator-command.ts";
import { createEventLog } from "../../src/telemetry/events.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

/* Commands of the operator, which need no capability, while a service runs. Their output is shown on a terminal. */

const AUTHORITY = "membrane.test";

/** Makes a tenant with the operator's command while the service runs. */
async function newTenant(data: string, id: string) {
  const { code, stdout } = await runMembrane(["tenant", "create", "--id", id, "--json", "--data", data]);
  expect(code).toBe(0);
  const { create, query, deleteSelf } = JSON.parse(stdout).capabilities;
  return { create: tokenOf(create), query: tokenOf(query), deleteSelf: tokenOf(deleteSelf) };
}

/** Parses the last line of a command's standard error, which is a log event. */
function eventOf(stderr: string): unknown {
  return JSON.parse(stderr.trim().split("\n").at(-1)!);
}

async function openStream(service: ServiceProcess, token: string): Promise<IncomingMessage> {
  const asked = request(service.url, { headers: { authorization: `Bearer ${token}` }, agent: false });
  asked.end();
  const [response]: IncomingMessage[] = await once(asked, "response");
  return response!;
}

/** Resolves when a response is aborted; rejects when it ends as if it were complete. */
function aborted(response: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    response.on("aborted", () => resolve());
    response.on("error", () => resolve());
    response.on("end", () => reject(new Error("the response ended as if it were complete")));
    response.resume();
  });
}

function endless(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("data: first\n\n");
}

const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{12}$/);

test("membrane list and revoke work without a capability while a service runs: only its streams are cut, and it is recorded", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget(endless);
  await using service = await spawnService(directory.path);
  const membrane = (...args: string[]) =>
    runMembrane(["membrane", ...args, "--tenant", "alice", "--data", directory.path]);
  const alice = await newTenant(directory.path, "alice");
  const lost = await createMembrane(service, alice.create, "lost");
  const kept = await createMembrane(service, alice.create, "kept");
  const exported = await exportThrough(service, lost.export, { uri: target.url });
  const lent = await exportThrough(service, kept.export, {
    capability: uriOf({ authority: AUTHORITY }, exported),
  });
  const other = await exportThrough(service, kept.export, { uri: target.url });
  // Membranes that were made before a reissue, whose capabilities are lost, are listed too.
  await runMembrane(["tenant", "reissue", "--id", "alice", "--data", directory.path]);
  expect(await membrane("list")).toMatchObject({ code: 0, stdout: "kept\nlost\n", stderr: "" });

  const streams = [await openStream(service, exported), await openStream(service, lent)];
  const goesOn = await openStream(service, other);
  const cut = Promise.all(streams.map(aborted));
  const revoked = await membrane("revoke", "--id", "lost");
  expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining('Revoked the membrane "lost"') });
  for (const token of [lost.export, exported, lent]) expectStatus(await call(service, token), 401);
  await cut;
  expect(eventOf(revoked.stderr)).toMatchObject({
    msg: "operated",
    command: "membrane revoke",
    tenant: FINGERPRINT,
    membrane: FINGERPRINT,
  });
  expect(goesOn.errored).toBeNull();
  goesOn.destroy();
  expect(await membrane("list", "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse((await membrane("list", "--json")).stdout)).toEqual({ membranes: [{ id: "kept" }] });
  expect(await membrane("revoke", "--id", "lost")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: --id: the tenant has no membrane "lost" that is alive/),
  });
  expect(JSON.parse((await membrane("revoke", "--id", "kept", "--json")).stdout)).toEqual({
    tenant: "alice",
    id: "kept",
    revoked: true,
  });
});

test("tenant delete ends a tenant whose deleteSelf is lost, with its descendants and nothing else, and is recorded", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget(endless);
  await using service = await spawnService(directory.path);
  const alice = await newTenant(directory.path, "alice");
  const bob = await newTenant(directory.path, "bob");
  const membrane = await createMembrane(service, alice.create, "m");
  const exported = await exportThrough(service, membrane.export, { uri: target.url });
  const stream = await openStream(service, exported);
  const cut = aborted(stream);
  const deleted = await runMembrane(["tenant", "delete", "--id", "alice", "--data", directory.path]);
  expect(deleted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Deleted the tenant "alice"/) });
  for (const token of [alice.create, alice.query, membrane.export, exported]) {
    expectStatus(await call(service, token), 401);
  }
  await cut;
  expect(eventOf(deleted.stderr)).toMatchObject({
    msg: "operated",
    command: "tenant delete",
    tenant: FINGERPRINT,
  });
  await createMembrane(service, bob.create, "m");
  expect(await runMembrane(["tenant", "list", "--data", directory.path])).toMatchObject({
    stdout: "bob\ndefault\n",
  });
  const alsoDeleted = await runMembrane([
    "tenant",
    "delete",
    "--id",
    "bob",
    "--json",
    "--data",
    directory.path,
  ]);
  expect(JSON.parse(alsoDeleted.stdout)).toEqual({ tenant: "bob", deleted: true });
  expect(await runMembrane(["tenant", "delete", "--id", "alice", "--data", directory.path])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^membrane: --id: there is no tenant "alice"/),
  });
});

test("every change that an operator makes is recorded, and tenant reissue says what it does not end", async () => {
  await using directory = await temporaryDirectory();
  const data = ["--data", directory.path];
  const initialized = await runMembrane(["init", ...data, "--json", "--log-level", "silent"]);
  expect(eventOf(initialized.stderr)).toMatchObject({ command: "init", tenant: FINGERPRINT });
  const created = await runMembrane(["tenant", "create", "--id", "alice", ...data, "--log-level", "silent"]);
  expect(eventOf(created.stderr)).toMatchObject({ command: "tenant create", tenant: FINGERPRINT });
  const reissued = await runMembrane(["tenant", "reissue", "--id", "alice", ...data]);
  expect(eventOf(reissued.stderr)).toMatchObject({ command: "tenant reissue", tenant: FINGERPRINT });
  expect(reissued.stdout).toMatch(
    /Nothing was ended\. The old create, query and deleteSelf continue to work.*membrane revoke.*tenant delete/s,
  );
  for (const { stderr } of [initialized, created, reissued])
    expect(stderr).not.toMatch(/CPBLTY|alice|default/);
});

/** A name that clears the screen, forges a line, reverses the direction of text, and has 8-bit control characters. */
const HOSTILE = "x\u001b[2J\nevil\r\u009b31m\u202eedoc\u2028\u007f";

/** A character that controls a terminal, or a line that begins like a forged one. */
const HARMFUL = /[^\n\P{C}]|[\u2028\u2029]|^evil/mu;

/** Returns the output of an operator's command in this process: separate processes for so many take long on a busy machine. */
async function shownBy(words: readonly string[]): Promise<string> {
  const pieces: string[] = [];
  const write = (text: string): void => void pieces.push(text);
  const print = createPrint(write);
  try {
    const command = await readCommandLine(words, "0.0.0", {});
    if (command === undefined || command.name === "serve") throw new Error("no command of the operator");
    await runOperatorCommand(command, {
      print,
      printError: print,
      openLog: () => createEventLog(createLogger("info", { write })),
      home: () => "/nonexistent",
      nodeVersion: process.version,
      now: new Date(),
      input: async function* () {},
    });
  } catch (error) {
    print(`membrane: ${(error as Error).message}`);
  }
  return pieces.join("");
}

test("names that clients chose neither control the operator's terminal nor forge lines, in any command, and are exact in JSON", async () => {
  await using directory = await temporaryDirectory();
  const data = ["--data", directory.path];
  await using service = await spawnService(directory.path);
  const hostile = await newTenant(directory.path, HOSTILE);
  await createMembrane(service, hostile.create, HOSTILE);
  const lists: readonly (readonly string[])[] = [
    ["tenant", "list"],
    ["membrane", "list", "--tenant", HOSTILE],
  ];
  for (const args of lists) {
    const shown = await shownBy([...args, ...data, "--json"]);
    expect(shown).not.toMatch(/[^\n\P{C}]/u);
    expect(JSON.stringify(JSON.parse(shown))).toContain(JSON.stringify(HOSTILE));
  }
  const commands: readonly (readonly string[])[] = [
    ...lists,
    ["tenant", "create", "--id", HOSTILE],
    ["tenant", "reissue", "--id", HOSTILE],
    ["tenant", "reissue", "--id", `${HOSTILE}?`],
    ["membrane", "revoke", "--tenant", HOSTILE, "--id", `${HOSTILE}?`],
    ["membrane", "revoke", "--tenant", HOSTILE, "--id", HOSTILE],
    ["tenant", "delete", "--id", HOSTILE],
    ["tenant", "delete", "--id", HOSTILE],
    ["tenant", "list", HOSTILE],
    ["tenant", "list", `--${HOSTILE}`],
    ["serve", "--listen", HOSTILE],
    ["serve", "--allow-target", HOSTILE],
    ["doctor", "--tls-cert", HOSTILE, "--tls-key", HOSTILE],
    ["tenant", "list", "--data", `${directory.path}/${HOSTILE}`],
    ["doctor", "--service-key-file", `${directory.path}/${HOSTILE}`],
  ];
  const withData = (words: readonly string[]) => (words.includes("--data") ? words : [...words, ...data]);
  for (const words of commands) {
    const shown = await shownBy(withData(words));
    expect(shown, words.join(" ")).not.toMatch(HARMFUL);
    expect(shown, words.join(" ")).not.toBe("");
  }
});

test("no two names of tenants or membranes look the same in a list", async () => {
  await using data = await initDataDirectory();
  await using service = await spawnService(data.path);
  const names = ["a\nb", String.raw`a\u000ab`, String.raw`"a\nb"`, "c", " c", '"c"'];
  let create = "";
  for (const name of names) ({ create } = await newTenant(data.path, name));
  for (const name of names) await createMembrane(service, create, name);
  for (const words of [
    ["tenant", "list"],
    ["membrane", "list", "--tenant", names.at(-1)!],
  ]) {
    const lines = (await shownBy([...words, "--data", data.path])).split("\n").map((line) => line.trim());
    expect(new Set(lines.filter((line) => line !== "" && line !== "default")).size).toBe(names.length);
  }
});

test("the program itself escapes what it prints, and its errors", async () => {
  await using data = await initDataDirectory();
  await shownBy(["tenant", "create", "--id", HOSTILE, "--data", data.path]);
  const commands: readonly (readonly string[])[] = [
    ["tenant", "list"],
    ["tenant", "list", HOSTILE],
    ["membrane", "revoke", "--tenant", HOSTILE, "--id", HOSTILE],
    ["serve", "--tls-cert", HOSTILE, "--tls-key", HOSTILE],
  ];
  for (const words of commands) {
    const { stdout, stderr } = await runMembrane([...words, "--data", data.path]);
    expect(`${stdout}${stderr}`, words.join(" ")).not.toMatch(HARMFUL);
    expect(`${stdout}${stderr}`, words.join(" ")).toMatch(/evil/);
  }
});
