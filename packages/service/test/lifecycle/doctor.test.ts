import { once } from "node:events";
import { chmod, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import { startCollector } from "../../../testkit/src/otlp-collector.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import { issueAuthorityCertificate, generateAuthorityKey } from "../../src/tls/x509.ts";

const ADDRESS = ["--listen", "127.0.0.1:0", "--authority", "membrane.test"];

async function doctor(
  data: string,
  ...flags: string[]
): Promise<{
  readonly code: number | null;
  readonly failed: string[];
  readonly warned: string[];
  readonly text: string;
}> {
  const { code, stdout, stderr } = await runMembrane([
    "doctor",
    "--data",
    data,
    ...(flags.length === 0 ? ADDRESS : flags),
  ]);
  expect(stderr).toBe("");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(8);
  for (const line of lines) expect(line).toMatch(/^(ok {2}|warn|FAIL) {2}\S/);
  const failed = lines.filter((line) => line.startsWith("FAIL")).map((line) => line.slice(6));
  expect(code).toBe(failed.length === 0 ? 0 : 1);
  const warned = lines.filter((line) => line.startsWith("warn")).map((line) => line.slice(6));
  return { code, failed, warned, text: stdout };
}

test("before the first start all checks pass, and the doctor creates nothing", async () => {
  await using directory = await temporaryDirectory();
  const { code, text } = await doctor(directory.path);
  expect(code).toBe(0);
  expect(text).toMatch(/service key: none yet, the first start makes .*service\.key/);
  expect(text).toMatch(/store: none yet/);
  expect(text).toMatch(/certificate: none yet/);
  expect(await readdir(directory.path)).toEqual([]);
});

test("after init all checks pass: key, store, certificate, authority and port are reported", async () => {
  await using directory = await temporaryDirectory();
  await runMembrane(["init", "--data", directory.path, "--authority", "membrane.test"]);
  const { code, text } = await doctor(directory.path);
  expect(code).toBe(0);
  expect(text).toMatch(/store: .*store, 1 tenant\(s\)/);
  expect(text).toMatch(/certificate: valid for \d+ days/);
  expect(text).toMatch(/authority: membrane\.test/);
  expect(text).toMatch(/port: 127\.0\.0\.1:0 is free/);
  expect(text).not.toMatch(/CPBLTY1-/);
});

test("the doctor reports the free disk space, and warns before the disk is full", async () => {
  await using disk = await mountSmallDisk(24);
  const data = join(disk.path, "data");
  await runMembrane(["init", "--data", data, "--authority", "membrane.test"]);
  expect((await doctor(data)).failed).toEqual([
    expect.stringMatching(/^disk: 1\d MiB left for .*: make room; /),
  ]);
  disk.fill();
  expect((await doctor(data)).failed).toEqual([expect.stringMatching(/^disk: 0 MiB left/)]);
  await using directory = await temporaryDirectory();
  expect((await doctor(directory.path)).text).toMatch(/^ok {4}disk: \d+ MiB left for /m);
});

test("a missing service key fails and is not made again, and the doctor says where to restore it from", async () => {
  await using directory = await temporaryDirectory();
  await runMembrane(["init", "--data", directory.path]);
  const key = join(directory.path, "service.key");
  await rename(key, `${key}.away`);
  const { failed } = await doctor(directory.path);
  expect(failed[0]).toMatch(/^service key: .*service\.key is missing, .*restore it from its backup/);
  expect(failed[1]).toMatch(/^store: .*service\.key: is missing/);
  expect(await readdir(directory.path)).not.toContain("service.key");
});

test("with another service key, the check of the store fails", async () => {
  await using directory = await temporaryDirectory();
  await runMembrane(["init", "--data", directory.path]);
  await writeFile(join(directory.path, "service.key"), `${"ab".repeat(32)}\n`);
  const { failed } = await doctor(directory.path);
  expect(failed).toEqual([
    "store: the service key is not the one this store was made with: restore that one, copy it from another node, or name it with --service-key-file",
  ]);
});

test.each(["640", "604", "666"])(
  "a service key with mode %s fails, with the command that repairs it",
  async (mode) => {
    await using directory = await temporaryDirectory();
    await runMembrane(["init", "--data", directory.path]);
    const key = join(directory.path, "service.key");
    await chmod(key, Number.parseInt(mode, 8));
    const { failed } = await doctor(directory.path);
    expect(failed).toEqual([`service key: others can read it: chmod 600 ${key}`]);
    await chmod(key, 0o600);
    expect((await doctor(directory.path)).failed).toEqual([]);
  },
);

test("a port that another program uses fails; one that the service itself uses passes", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path);
  const own = await doctor(directory.path, "--listen", `127.0.0.1:${service.port}`, "--no-tls");
  expect(own.failed).toEqual([]);
  expect(own.text).toMatch(new RegExp(`port: 127\\.0\\.0\\.1:${service.port}: a service is running`));

  const other = createServer((_request, response) => response.writeHead(404).end());
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  for (const flags of [["--no-tls"], []]) {
    const { failed } = await doctor(directory.path, "--listen", `127.0.0.1:${port}`, ...flags);
    expect(failed).toEqual([
      expect.stringMatching(/^port: .* is taken by another program: .*--listen HOST:PORT/),
    ]);
  }
  other.close();
});

test("a missing or damaged certificate is reported with its file", async () => {
  await using directory = await temporaryDirectory();
  const cert = join(directory.path, "c.pem");
  const { failed } = await doctor(directory.path, ...ADDRESS, "--tls-cert", cert, "--tls-key", cert);
  expect(failed).toEqual([`certificate: ${cert}: does not exist`]);
  await runMembrane(["init", "--data", directory.path]);
  await writeFile(join(directory.path, "tls", "leaf.pem"), "junk");
  expect((await doctor(directory.path)).text).toMatch(
    /certificate: .*leaf\.pem is damaged, the next start makes a new one/,
  );
});

test("a store that other users can access fails, with the command that repairs it; the next start repairs it, too", async () => {
  await using directory = await temporaryDirectory();
  await runMembrane(["init", "--data", directory.path, "--authority", "membrane.test"]);
  const store = join(directory.path, "store");
  await chmod(store, 0o755);
  await chmod(join(store, "data.mdb"), 0o644);
  const { failed } = await doctor(directory.path);
  expect(failed).toEqual([
    `data directory: other users can reach ${store}: chmod 700 ${store}; and 1 more; the next start closes it`,
  ]);
  {
    await using _service = await spawnService(directory.path);
  }
  expect((await doctor(directory.path)).failed).toEqual([]);
});

test("the doctor warns of a CA without name constraints, of a leftover capabilities file and of a former name", async () => {
  await using directory = await temporaryDirectory();
  {
    await using _service = await spawnService(directory.path);
  }
  const tls = join(directory.path, "tls");
  await mkdir(tls, { mode: 0o700 });
  const key = await generateAuthorityKey();
  await writeFile(join(tls, "ca.key"), key, { mode: 0o600 });
  await writeFile(join(tls, "ca.pem"), await issueAuthorityCertificate(key, new Date()));
  const { warned, code } = await doctor(
    directory.path,
    "--listen",
    "127.0.0.1:0",
    "--authority",
    "other.test",
  );
  expect(code).toBe(0);
  // The limit of open files depends on the machine.
  expect(warned.filter((line) => !line.startsWith("open files"))).toEqual([
    expect.stringMatching(
      /^authority: the service was called membrane\.test, .*--authority-alias membrane\.test$/,
    ),
    expect.stringMatching(/^private CA: .*ca\.pem was made by an older version and can certify any name/),
    expect.stringMatching(
      /^first capabilities: .*first-capabilities\.json holds .*: move it to a safe place$/,
    ),
  ]);
  // Without --authority it is the last one that was served.
  const known = await runMembrane(["doctor", "--data", directory.path, "--listen", "127.0.0.1:18443"]);
  expect(known.stdout).toMatch(/^ok {4}authority: membrane\.test/m);
});

test("the collector of traces is asked, and a file for it that cannot be read is a failure", async () => {
  await using directory = await temporaryDirectory();
  await using collector = await startCollector();
  const data = join(directory.path, "data");
  const to = (url: string, ...flags: string[]) => doctor(data, ...ADDRESS, "--otlp-endpoint", url, ...flags);
  expect((await to(collector.url)).text).toContain(`ok    traces: ${collector.url}/v1/traces takes them`);
  expect(collector.spans()).toEqual([]);
  const { failed, warned } = await to("http://127.0.0.1:1");
  expect(warned).toContain(
    "traces: http://127.0.0.1:1/v1/traces does not take them (ECONNREFUSED): without it spans are dropped",
  );
  expect(failed).toEqual([]);
  const missing = join(directory.path, "none");
  expect((await to(collector.url, "--otlp-headers-file", missing)).failed).toEqual([
    `traces: --otlp-headers-file: ${missing} cannot be read`,
  ]);
});

test("the doctor says whether the audit trail can be written, and makes no file", async () => {
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const file = join(directory.path, "audit.log");
  const made = await doctor(data, ...ADDRESS, "--audit", file);
  expect(made.text).toContain(`ok    audit trail: none yet, the next start makes ${file}`);
  expect(await readdir(directory.path)).toEqual([]);
  await writeFile(file, "");
  expect((await doctor(data, ...ADDRESS, "--audit", file)).text).toContain(`ok    audit trail: ${file}`);
  const missing = join(directory.path, "none", "audit.log");
  expect((await doctor(data, ...ADDRESS, "--audit", missing)).failed).toEqual([
    `audit trail: ${missing} cannot be written (ENOENT): name a file that this user may write with --audit`,
  ]);
});
