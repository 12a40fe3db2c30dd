import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAuthority } from "capability-protocol";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { openDataDirectory } from "../../src/commands/data-directory.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import { createFirstTenant } from "../../src/management/tenants.ts";
import { call, createMembrane, expectStatus, exportThrough, tokenOf } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnMembrane, spawnService } from "../../../testkit/src/process.ts";
import { asTestOperator, startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { until } from "../../../testkit/src/until.ts";

const MEMBRANE = fileURLToPath(new URL("../../bin/membrane.js", import.meta.url));
const ANY_PORT = ["--listen", "127.0.0.1:0", "--authority", "membrane.test"];

/** Parses the capability URIs that are printed for a person, by their names. */
function printedUris(text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(text.matchAll(/^ {2}(\w+).* (cpblty:\S+)$/gm), ([, name, uri]) => [name ?? "", uri ?? ""]),
  );
}

/** The event that records what `init` makes: a tenant with its three capabilities, and the operator's `provision`. */
const FINGERPRINT = expect.stringMatching(/^[0-9a-f]{12}$/);
const RECORDED = {
  level: "info",
  time: expect.any(String),
  msg: "operated",
  command: "init",
  action: "create",
  outcome: "done",
  tenant: FINGERPRINT,
  created: [FINGERPRINT, FINGERPRINT, FINGERPRINT, FINGERPRINT],
};

async function initialized(
  data: string,
): Promise<Record<"create" | "query" | "deleteSelf" | "provision", string>> {
  const { code, stdout, stderr } = await runMembrane([
    "init",
    "--data",
    data,
    "--authority",
    "membrane.test",
    "--json",
  ]);
  expect([code, JSON.parse(stderr)]).toEqual([0, RECORDED]);
  const { capabilities, operator } = JSON.parse(stdout);
  return { ...capabilities, ...operator };
}

test("the first start without a terminal writes the capabilities to a file for its owner alone, and the second start to none", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const file = join(data, "first-capabilities.json");
  let create: string;
  {
    await using first = await spawnService(data);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const uri = expect.stringMatching(/^cpblty:\/\/membrane\.test\/#CPBLTY1-[A-Za-z0-9_-]{86}$/);
    expect(JSON.parse(await readFile(file, "utf8"))).toStrictEqual({
      tenant: "default",
      capabilities: { create: uri, query: uri, deleteSelf: uri },
      operator: { provision: uri },
    });
    await expect.poll(first.printed).toContain(`  ${file}\n`);
    ({ create } = await firstTokens(data));
    await createMembrane(first, create, "made at the first start");
    expect(await first.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }
  await rm(file);
  await using second = await spawnService(data);
  expect(second.printed()).toBe("");
  expect(await readdir(data)).not.toContain("first-capabilities.json");
  expectStatus(await call(second, create, { body: { id: "made at the first start" } }), 409);
});

test.each(["debug", "silent"])(
  "at --log-level %s a pipe gets no capability, and standard error names the file that has them",
  async (level) => {
    await using directory = await temporaryDirectory();
    const child = spawn(
      process.execPath,
      [MEMBRANE, "serve", "--data", directory.path, "--no-tls", "--log-level", level, ...ANY_PORT],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, MEMBRANE_PROFILE: "false" } },
    );
    const pieces: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece: string) => pieces.push(piece));
    const written = (): string => pieces.join("");
    const named = `"file":"${join(directory.path, "first-capabilities.json")}"`;
    await expect.poll(written).toContain(named);
    await expect.poll(written).toContain("move the file to a safe place");
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(written()).not.toMatch(/CPBLTY1-/);
    const tokens = await firstTokens(directory.path);
    for (const token of Object.values(tokens)) expect(token).toMatch(/^CPBLTY1-/);
  },
);

test("a start that cannot write the capabilities makes no tenant, and the next one makes it", async () => {
  await using directory = await temporaryDirectory();
  const opened = await openDataDirectory({
    data: directory.path,
    authority: parseAuthority("membrane.test")!,
    limits: DEFAULT_LIMITS,
  });
  const full = createFirstTenant(asTestOperator(opened), () => Promise.reject(new Error("no space is left")));
  await expect(full).rejects.toThrow("no space is left");
  expect(await opened.store.isEmpty()).toBe(true);
  await opened.store.close();
  await using service = await spawnService(directory.path);
  const { create } = await firstTokens(directory.path);
  await createMembrane(service, create, "m");
});

test("a store whose first tenant was deleted, and swept, gets no other first tenant", async () => {
  await using service = await startTestService();
  expectStatus(await call(service, service.tokens.deleteSelf, { method: "DELETE" }), 202);
  await until("the sweep ends", async () => !(await service.data.store.sweep(100)).more);
  expect(await service.data.store.tenants()).toEqual([]);
  expect(await createFirstTenant(asTestOperator(service.data))).toBeUndefined();
  expect(await service.data.store.tenants()).toEqual([]);
});

test("by default it serves TLS with a certificate that the CA file in its log verifies", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  await using service = await spawnMembrane([
    "serve",
    "--data",
    data,
    "--listen",
    "127.0.0.1:0",
    "--authority",
    "localhost",
  ]);
  const file = join(data, "tls", "ca.pem");
  await expect.poll(service.printed).toContain(`CA certificate: ${file}\n`);
  const dispatcher = new Agent({ connect: { ca: await readFile(file, "utf8"), host: "127.0.0.1" } });
  expect(await call(service, undefined, { path: "/healthz", dispatcher })).toMatchObject({ status: 200 });
  const { query: token } = await firstTokens(data);
  expect(await call(service, token, { dispatcher })).toMatchObject({
    status: 200,
    json: { completed: true },
  });
  await dispatcher.close();
  const stranger = new Agent();
  await expect(call(service, token, { dispatcher: stranger })).rejects.toThrow(
    /self-signed|unable to verify|issuer/i,
  );
  await stranger.close();
});

test("the data directory, the service key and the private keys are for their owner alone", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "deep", "data");
  await initialized(data);
  const modes = await Promise.all(
    ["", "service.key", "tls/ca.key", "tls/leaf.key"].map(
      async (path) => (await stat(join(data, path))).mode & 0o777,
    ),
  );
  expect(modes.map((mode) => mode.toString(8))).toEqual(["700", "600", "600", "600"]);
});

test("init --json prints the capabilities in the form that scripts rely on, and records that it made them", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const { code, stdout, stderr } = await runMembrane([
    "init",
    "--data",
    data,
    "--authority",
    "a.test:8444",
    "--json",
  ]);
  expect([code, JSON.parse(stderr)]).toEqual([0, RECORDED]);
  const uri = expect.stringMatching(/^cpblty:\/\/a\.test:8444\/#CPBLTY1-[A-Za-z0-9_-]{86}$/);
  expect(JSON.parse(stdout)).toStrictEqual({
    tenant: "default",
    capabilities: { create: uri, query: uri, deleteSelf: uri },
    operator: { provision: uri },
    ca: join(data, "tls", "ca.pem"),
  });
  expect(await readFile(join(data, "tls", "ca.pem"), "utf8")).toMatch(/^-----BEGIN CERTIFICATE-----/);
});

test("an init with a given certificate or without TLS makes no CA and names none, in JSON or to a person", async () => {
  const given = ["--tls-cert", "c.pem", "--tls-key", "k.pem"];
  for (const [tls, format] of [
    [["--no-tls"], ["--json"]],
    [["--no-tls"], []],
    [given, ["--json"]],
  ] as const) {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    const { code, stdout } = await runMembrane(["init", "--data", data, ...tls, ...format]);
    expect(code).toBe(0);
    expect(stdout).toContain("provision");
    expect(stdout).not.toContain("ca.pem");
    expect(await readdir(data)).not.toContain("tls");
  }
});

test.each([
  ["certificate", "tls/ca.key"],
  ["authority", "authority"],
])(
  "an init that cannot write its %s makes no tenant, and the next one prints the capabilities",
  async (_what, path) => {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    // A directory in place of the file.
    await mkdir(join(data, path), { recursive: true, mode: 0o700 });
    const failed = await runMembrane(["init", "--data", data, "--authority", "membrane.test", "--json"]);
    expect([failed.code, failed.stdout]).toEqual([1, ""]);
    await rm(join(data, path), { recursive: true });
    const { create } = await initialized(data);
    await using service = await spawnService(data);
    await createMembrane(service, tokenOf(create), "m");
  },
);

test("a second init is refused, says what to do, and changes nothing", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const { create } = await initialized(data);
  const again = await runMembrane(["init", "--data", data, "--json"]);
  expect(again.code).toBe(1);
  expect(again.stdout).toBe("");
  expect(again.stderr).toMatch(
    /^membrane: .*first tenant already.*tenant create --id ID.*tenant reissue --id default/,
  );
  await using service = await spawnService(data);
  expect(service.printed()).toBe("");
  await createMembrane(service, tokenOf(create), "m");
});

test("tenants are made and listed while a service runs, which serves them at once, with its authority", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path);
  const tenant = (...args: string[]) => runMembrane(["tenant", ...args, "--data", directory.path]);
  const made = await tenant("create", "--id", "älice", "--json");
  expect(made.code).toBe(0);
  const { create, query, deleteSelf } = JSON.parse(made.stdout).capabilities;
  expect(JSON.parse(made.stdout)).toStrictEqual({
    tenant: "älice",
    capabilities: { create, query, deleteSelf },
  });
  expect(create).toMatch(/^cpblty:\/\/membrane\.test\/#/);
  await createMembrane(service, tokenOf(create), "m");
  expect((await call(service, tokenOf(query))).json.membranes).toHaveLength(1);

  const twice = await tenant("create", "--id", "älice");
  expect([twice.code, twice.stderr]).toEqual([1, 'membrane: --id: there is a tenant "älice" already\n']);
  expect((await tenant("list")).stdout).toBe("default\nälice\n");
  expect(JSON.parse((await tenant("list", "--json")).stdout)).toEqual({
    tenants: [{ id: "default" }, { id: "älice" }],
  });

  expectStatus(await call(service, tokenOf(deleteSelf), { method: "DELETE" }), 202);
  expect((await tenant("list")).stdout).toBe("default\n");
  expect((await tenant("reissue", "--id", "älice")).stderr).toMatch(
    /no tenant "älice"; "membrane tenant list" shows them/,
  );
});

test("reissued capabilities act on the same tenant; only the old ones can open older membranes, and the command says so", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path);
  const old = await firstTokens(directory.path);
  const before = await createMembrane(service, old.create, "before");
  const reissue = await runMembrane(["tenant", "reissue", "--id", "default", "--data", directory.path]);
  expect(reissue.code).toBe(0);
  expect(reissue.stdout).toMatch(
    /lists only the membranes made from now on.*deleteSelf and "membrane tenant delete" end the tenant/s,
  );
  const fresh = printedUris(reissue.stdout);

  // The name is still taken and the old membrane still works: a create by a caller that lost its tokens frees nothing.
  expectStatus(await call(service, tokenOf(fresh["create"]!), { body: { id: "before" } }), 409);
  expectStatus(await call(service, before.export, { body: { uri: "https://example.com/" } }), 201);
  await createMembrane(service, tokenOf(fresh["create"]!), "new");
  await createMembrane(service, old.create, "new by old");
  const list = async (token: string): Promise<string[]> => {
    const response = expectStatus(await call(service, token, { path: "/?limit=10" }), 200);
    return response.json.membranes.map(({ id }: { id: string }) => id);
  };
  expect(await list(tokenOf(fresh["query"]!))).toEqual(["new", "new by old"]);
  expect(await list(old.query)).toEqual(["before"]);
  // A page is never empty because this query cannot open some membranes.
  const { membranes, completed } = (await call(service, tokenOf(fresh["query"]!))).json;
  expect([membranes[0].id, completed]).toEqual(["new", false]);

  expectStatus(await call(service, tokenOf(fresh["deleteSelf"]!), { method: "DELETE" }), 202);
  for (const token of [before.export, old.create, tokenOf(fresh["query"]!)]) {
    expectStatus(await call(service, token), 401);
  }
});

test("tenant commands make no store where there is none, since that would hide a mistyped directory", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "typo");
  for (const args of [["list"], ["create", "--id", "x"], ["reissue", "--id", "x"]]) {
    const { code, stderr } = await runMembrane(["tenant", ...args, "--data", data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^membrane: --data: there is no store in .*typo: name its directory/);
  }
  await expect(stat(data)).rejects.toThrow(/ENOENT/);
});

test.each([[["SIGTERM"]], [["SIGINT", "SIGINT"]], [["SIGTERM", "SIGINT", "SIGTERM"]]] as const)(
  "%j lets an invocation in flight finish, accepts no new one, and ends with exit code 0",
  async (signals) => {
    await using directory = await temporaryDirectory();
    let arrive: (response: ServerResponse) => void;
    const arrived = new Promise<ServerResponse>((resolve) => (arrive = resolve));
    await using target = await startTarget((_request, response) => {
      response.writeHead(200, { "content-length": "8" });
      response.write("half");
      arrive(response);
    });
    // The client keeps its connection open; a service that waited for it to close would wait until the deadline.
    await using service = await spawnService(directory.path, { flags: ["--shutdown-timeout-ms", "600000"] });
    const { create } = await firstTokens(directory.path);
    const membrane = await createMembrane(service, create, "m");
    const token = await exportThrough(service, membrane.export, { uri: target.url });
    const inFlight = call(service, token);
    const response = await arrived;
    const [first, ...repeats] = signals;
    const ended = service.end(first);
    await refused(service.url);
    for (const signal of repeats) process.kill(service.pid, signal);
    response.end("done");
    expect(await inFlight).toMatchObject({ status: 200, text: "halfdone" });
    expect(await ended).toEqual({ code: 0, signal: null });
  },
);

/** Waits until connections are refused. */
async function refused(url: string): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const dispatcher = new Agent({ pipelining: 0 });
    try {
      await call({ url }, undefined, { path: "/healthz", dispatcher });
    } catch {
      return;
    } finally {
      await dispatcher.destroy();
    }
  }
  throw new Error(`${url} still accepts connections`);
}
