import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { formatToken, TOKEN_BYTES } from "capability-protocol";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnMembrane } from "../../../testkit/src/process.ts";

/** Arguments, variables, and the beginning of the error. */
const BAD: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["frob", {}, "frob: no such command"],
  ["serve --max-frobs=3", {}, "--max-frobs: no such flag"],
  ["serve --listen nonsense", {}, "--listen: expected HOST:PORT"],
  ["serve --authority-ca peer.test=missing.pem", {}, "--authority-ca: missing.pem cannot be read"],
  ["serve --allow-target nonsense", {}, "--allow-target: expected CIDR[:PORT]"],
  ["serve --tls-cert c.pem", {}, "--tls-key: required with --tls-cert"],
  ["serve --tls-cert c.pem --tls-key k.pem", {}, "--tls-cert, --tls-key: c.pem: does not exist"],
  ["serve --data blocked", {}, "--data: "],
  ["serve", { MEMBRANE_ALLOW_TARGET: "nonsense" }, "MEMBRANE_ALLOW_TARGET: expected CIDR[:PORT]"],
];

test.each(BAD)(
  "membrane %s with %j ends with exit code 1, one line that says what to do, and no file",
  async (args, variables, message) => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, "blocked"), "a file");
    const ended = await runMembrane(
      args.split(" ").filter(Boolean),
      { ...variables },
      { cwd: directory.path },
    );
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr.startsWith(`membrane: ${message}`), ended.stderr).toBe(true);
    expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(await readdir(directory.path)).toEqual(["blocked"]);
  },
);

test.each([
  "TOKEN",
  "serve TOKEN",
  "serve --TOKEN",
  "serve --TOKEN=1",
  "serve --listen TOKEN",
  "serve --allow-target TOKEN",
  "serve --max-connections TOKEN",
  "tenant list TOKEN",
  "membrane revoke TOKEN --data absent",
  "leaked TOKEN",
])("the error of membrane %s shows nothing of the token", async (args) => {
  await using directory = await temporaryDirectory();
  const token = formatToken(Uint8Array.from({ length: TOKEN_BYTES }, (_, i) => 3 * i + 1));
  for (const given of [token, token.slice(0, 60)]) {
    const words = args.replace("TOKEN", given).split(" ");
    const ended = await runMembrane(words, {}, { cwd: directory.path });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr.toLowerCase()).not.toContain(token.slice(8, 24).toLowerCase());
  }
});

test("a port in use stops the start with an error, and nothing is made", async () => {
  await using directory = await temporaryDirectory();
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const data = join(directory.path, "data");
  const ended = await runMembrane(["serve", "--listen", `127.0.0.1:${port}`, "--data", data]);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(
    new RegExp(`^membrane: --listen: 127\\.0\\.0\\.1:${port} is taken: .*--listen HOST:PORT\n$`),
  );
  other.close();
  expect(await readdir(directory.path)).toEqual([]);
});

test("a start with another name while a service runs fails because of the port, and does not change the private CA", async () => {
  await using directory = await temporaryDirectory();
  const args = ["serve", "--data", directory.path];
  await using service = await spawnMembrane([
    ...args,
    "--listen",
    "127.0.0.1:0",
    "--authority",
    "first.test",
  ]);
  const tls = join(directory.path, "tls");
  const before = await Promise.all([readdir(tls), readFile(join(tls, "ca.pem"), "utf8")]);
  const listen = ["--listen", `127.0.0.1:${service.port}`];
  const ended = await runMembrane([...args, ...listen, "--authority", "second.test"]);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(/^membrane: --listen: .* is taken: /);
  expect(await Promise.all([readdir(tls), readFile(join(tls, "ca.pem"), "utf8")])).toEqual(before);
});

test("every flag can be a variable, and the other commands accept the variables of serve", async () => {
  await using directory = await temporaryDirectory();
  const env = {
    MEMBRANE_DATA: join(directory.path, "data"),
    MEMBRANE_LISTEN: "127.0.0.1:0",
    MEMBRANE_AUTHORITY: "membrane.test",
    MEMBRANE_ALLOW_TARGET: "127.0.0.0/8,10.0.0.0/8:443",
    MEMBRANE_AUTHORITY_ALIAS: "alias.test",
    MEMBRANE_TLS: "false",
    MEMBRANE_LOG_LEVEL: "info",
    MEMBRANE_CACHE_ENTRIES: "10",
    MEMBRANE_SERVICE_KEY_FILE: join(directory.path, "key"),
  };
  const made = await runMembrane(["init", "--json"], env);
  expect([made.code, JSON.parse(made.stderr)]).toMatchObject([0, { msg: "operated", command: "init" }]);
  const uri: string = JSON.parse(made.stdout).capabilities.query;
  expect(uri).toMatch(/^cpblty:\/\/membrane\.test\/#/);
  expect((await readdir(directory.path)).toSorted((a, b) => a.localeCompare(b))).toEqual(["data", "key"]);
  expect(await runMembrane(["tenant", "list"], env)).toMatchObject({ code: 0, stdout: "default\n" });
  expect(await runMembrane(["doctor"], env)).toMatchObject({ code: 0 });
  await using service = await spawnMembrane(["serve"], env);
  const url = service.url.replace("https", "http");
  expect(await call({ url }, uri.slice(uri.indexOf("#") + 1))).toMatchObject({ status: 200 });
});
