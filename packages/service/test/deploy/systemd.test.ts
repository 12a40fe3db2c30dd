import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BootedSystem } from "../../../testkit/src/booted-system.ts";
import { bootSystem } from "../../../testkit/src/booted-system.ts";
import { documentedCommands } from "../../../testkit/src/documented-commands.ts";

/** Of ten, as `systemd-analyze security` says; without a separate network no service has less than one. */
const MAX_EXPOSURE = 1.5;

let system: BootedSystem;

beforeAll(async () => {
  system = await bootSystem();
  await system.script(await documentedCommands("docs/deployment.md", "systemd"));
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

const property = async (name: string): Promise<string> =>
  (await system.run("systemctl", "show", "--value", `--property=${name}`, "membrane")).trim();

/** What the kernel says of the service's first process. */
async function processStatus(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(system.path(`/proc/${await property("MainPID")}/status`), "utf8");
  return new Map(text.split("\n").map((line) => line.split(":\t") as [string, string]));
}

const status = (path: string): Promise<string> =>
  system.run("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", `https://localhost:8443${path}`);

const useService = (action: string): string =>
  `NODE_EXTRA_CA_CERTS=/var/lib/membrane/tls/ca.pem node packages/testkit/src/use-service.js ${action} /root/kept.json`;

test("the documented commands start the service, which serves as soon as systemd says that it has started", async () => {
  expect(await property("ActiveState")).toBe("active");
  await system.run("systemctl", "restart", "membrane");
  expect(await status("/readyz")).toBe("200");
});

test("systemd finds nothing wrong with the unit, and little that its service could do to others", async () => {
  await system.run("systemd-analyze", "verify", "--man=no", "membrane.service");
  const threshold = `--threshold=${MAX_EXPOSURE * 10}`;
  await system.run(
    "systemd-analyze",
    "security",
    "--offline=yes",
    threshold,
    "deploy/systemd/membrane.service",
  );
});

test("the service runs as its user, without rights to gain, without core dumps, and with filtered system calls", async () => {
  const own = await processStatus();
  const uid = (await system.run("id", "-u", "membrane")).trim();
  expect(own.get("Uid")?.split("\t")).toEqual([uid, uid, uid, uid]);
  expect([own.get("CapEff"), own.get("CapBnd")]).toEqual(["0000000000000000", "0000000000000000"]);
  expect([own.get("NoNewPrivs"), own.get("Seccomp")]).toEqual(["1", "2"]);
  const limits = await readFile(system.path(`/proc/${await property("MainPID")}/limits`), "utf8");
  expect(limits).toMatch(/^Max core file size +0 +0 /m);
});

test("the service key is in no file of the data directory, and other users can read neither", async () => {
  const files = await system.run("find", "/var/lib/membrane", "-type", "f");
  expect(files).toMatch(/\/store\/data\.mdb$/m);
  expect(files).not.toContain("service.key");
  for (const path of [
    "/var/lib/membrane/store/data.mdb",
    "/etc/membrane/service.key",
    "/etc/membrane/environment",
  ]) {
    const asOther = await system.tryRun("setpriv", "--reuid=65534", "--clear-groups", "cat", path);
    expect([path, asOther.code, asOther.stdout]).toEqual([path, 1, ""]);
  }
});

test("what an operator makes with membrane-admin works, through restarts and kills, until it is revoked", async () => {
  await writeFile(
    system.path("/etc/membrane/environment"),
    "MEMBRANE_ALLOW_TARGET='127.0.0.1:8089'\nMEMBRANE_WORKERS=2\n",
  );
  await system.run("systemctl", "restart", "membrane");
  const made = await system.script(`membrane-admin tenant create --id alice --json | ${useService("make")}`);
  expect(made).toBe("200\n");
  const owners = await system.run("find", "/var/lib/membrane", "!", "-user", "membrane");
  expect(owners).toBe("");

  await system.run("systemctl", "restart", "membrane");
  expect(await system.script(useService("use"))).toBe("200\n");

  await system.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", "membrane");
  await expect.poll(() => property("NRestarts"), { timeout: 60_000, interval: 50 }).toBe("1");
  await expect.poll(() => property("ActiveState"), { timeout: 60_000, interval: 50 }).toBe("active");
  expect(await system.script(useService("use"))).toBe("200\n");
  expect(await system.script(useService("revoke"))).toBe("401\n");
});

test("membrane-admin runs no text of its standard input as a program where membrane is not on the PATH", async () => {
  const { code, stdout, stderr } = await system.tryRun(
    "sh",
    "-c",
    `echo 'console.log("was run")' | PATH=/usr/bin:/bin /usr/local/sbin/membrane-admin leaked`,
  );
  expect([code, stdout]).toEqual([127, ""]);
  expect(stderr).toBe("membrane-admin: membrane is not on the PATH: /usr/bin:/bin\n");
});

/** Lines of an environment file, of which each sets the variable A or nothing. */
const PLAIN_LINES = [
  "A=plain",
  " A = with spaces ",
  "A='# $x'",
  'A="# it\'s"',
  "A=",
  "A=crlf\r",
  '# it\'s "a" comment',
  "",
];
const OTHER_LINES = [
  "export A=1",
  "A=1 # why",
  'A="open',
  "A='closed'too",
  "A=a\\b",
  "A=`b`",
  "A: b",
  "--flag b",
  "# on\\",
  "=b",
];

const ENVIRONMENT = "/etc/membrane/environment";
const setEnvironment = (...lines: readonly string[]): Promise<void> =>
  writeFile(system.path(ENVIRONMENT), lines.map((line) => `${line}\n`).join(""));

test("membrane-admin takes only lines of the environment that systemd and Node.js read alike, and shows none", async () => {
  for (const line of PLAIN_LINES) {
    await setEnvironment(line);
    const inUnit = await system.script(
      `systemd-run --quiet --pipe --wait --property=EnvironmentFile=${ENVIRONMENT} sh -c 'printf %s "$A"'`,
    );
    const inNode = await system.script(
      `node --env-file=${ENVIRONMENT} -e 'process.stdout.write(process.env.A ?? "")'`,
    );
    expect([line, inNode]).toEqual([line, inUnit]);
    expect(await system.run("membrane-admin", "tenant", "list")).toContain("default\n");
  }
  for (const line of OTHER_LINES) {
    await setEnvironment("# A comment", line);
    const { code, stdout, stderr } = await system.tryRun("membrane-admin", "tenant", "list");
    expect([line, code, stdout]).toEqual([line, 1, ""]);
    expect(stderr).toMatch(
      /^membrane-admin: \/etc\/membrane\/environment, line 2: expected NAME=VALUE, .+\n$/,
    );
  }
});

test("membrane-admin takes the key that its caller names, in place of the one in /etc", async () => {
  await setEnvironment("# Nothing");
  await system.run("install", "-m", "600", "-o", "membrane", "/etc/membrane/service.key", "/run/other.key");
  const list = ["tenant", "list", "--service-key-file"];
  expect(await system.run("membrane-admin", ...list, "/run/other.key")).toContain("default\n");
  await system.run("chown", "root:", "/run/other.key");
  const closed = await system.tryRun("membrane-admin", ...list, "/run/other.key");
  expect([closed.code, closed.stderr]).toEqual([
    1,
    expect.stringContaining("/run/other.key: may not be read by this user"),
  ]);
  await system.run("rm", "/run/other.key");
  const { code, stderr } = await system.tryRun("membrane-admin", ...list, "/run/other.key");
  expect([code, stderr]).toEqual([1, expect.stringContaining("/run/other.key: is missing")]);
});

test("membrane-admin says that it needs root, or that the user of the service may not read the environment, which may be missing", async () => {
  await setEnvironment("# Nothing");
  const asOther = await system.tryRun(
    "setpriv",
    "--reuid=65534",
    "--clear-groups",
    "membrane-admin",
    "doctor",
  );
  expect([asOther.code, asOther.stderr]).toEqual([
    1,
    expect.stringMatching(/^membrane-admin: run it as root/),
  ]);
  const kept = "/root/environment";
  await system.run("cp", "--preserve", ENVIRONMENT, kept);
  await system.run("chmod", "600", ENVIRONMENT);
  const unreadable = await system.tryRun("membrane-admin", "tenant", "list");
  expect([unreadable.code, unreadable.stderr]).toEqual([
    1,
    expect.stringContaining(`chmod 640 ${ENVIRONMENT}`),
  ]);
  await system.run("rm", ENVIRONMENT);
  expect(await system.run("membrane-admin", "tenant", "list")).toContain("default\n");
  await system.run("mv", kept, ENVIRONMENT);
});

test("a reload has the certificate read again, and a stop ends the service in order", async () => {
  await system.run("systemctl", "reload", "membrane");
  const journal = (): Promise<string> => system.run("journalctl", "--unit=membrane", "--output=cat");
  await expect.poll(journal, { timeout: 60_000, interval: 50 }).toContain('"msg":"certificate unchanged"');
  expect(await status("/readyz")).toBe("200");
  await system.run("systemctl", "stop", "membrane");
  expect([await property("ActiveState"), await property("Result")]).toEqual(["inactive", "success"]);
  expect(await journal()).toContain('"msg":"stopped"');
  expect(await journal()).not.toContain("service manager not notified");
});

test("with the documented drop-in the service has the port 443, and no other right", async () => {
  const environment = await system.run("cat", "/etc/membrane/environment");
  await system.script(await documentedCommands("docs/deployment.md", "systemd-port"));
  const ready = await system.run(
    "curl",
    "-sk",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "https://localhost/readyz",
  );
  expect(ready).toBe("200");
  // CAP_NET_BIND_SERVICE is the tenth.
  expect((await processStatus()).get("CapBnd")).toBe("0000000000000400");
  await system.script("rm /etc/systemd/system/membrane.service.d/port.conf && systemctl daemon-reload");
  await writeFile(system.path("/etc/membrane/environment"), environment);
});

test("a Node.js in another place is the one of the service and of membrane-admin, if the configuration has its path", async () => {
  const environment = await system.run("cat", "/etc/membrane/environment");
  await system.script(`mkdir -p /opt/node/bin && mv "$(readlink -f /usr/bin/node)" /opt/node/bin/node
    echo PATH=/opt/node/bin:/usr/bin:/bin >> /etc/membrane/environment
    systemctl restart membrane`);
  expect(await status("/readyz")).toBe("200");
  expect(await system.run("membrane-admin", "tenant", "list")).toContain("alice");
  await system.script('cp -f /opt/node/bin/node "$(readlink -m /usr/bin/node)"');
  await writeFile(system.path("/etc/membrane/environment"), environment);
});

test("without its key the service does not start, and makes no other one", async () => {
  await system.run("systemctl", "stop", "membrane");
  await system.run("mv", "/etc/membrane/service.key", "/root/service.key");
  expect((await system.tryRun("systemctl", "start", "membrane")).code).not.toBe(0);
  expect((await system.tryRun("ls", "/etc/membrane/service.key")).code).not.toBe(0);
  await system.run("mv", "/root/service.key", "/etc/membrane/service.key");
  await system.run("systemctl", "reset-failed", "membrane");
  await system.run("systemctl", "start", "membrane");
  expect(await status("/readyz")).toBe("200");
});

test("the service serves its store with a key that systemd has encrypted, and that is nowhere in clear", async () => {
  await system.script(await documentedCommands("docs/deployment.md", "systemd-encrypted-key"));
  expect(await status("/readyz")).toBe("200");
  expect((await system.tryRun("ls", "/etc/membrane/service.key")).code).not.toBe(0);
});
