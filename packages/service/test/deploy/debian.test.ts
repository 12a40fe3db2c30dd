import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BootedSystem } from "../../../testkit/src/booted-system.ts";
import { bootSystem } from "../../../testkit/src/booted-system.ts";
import { documentedCommands } from "../../../testkit/src/documented-commands.ts";
import { run } from "../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const CHECKOUT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Longer than a build or an installation takes on a busy machine, in milliseconds. */
const BUILD_MS = 600_000;

const INSTALL = "apt-get install -y ./dist/membrane_*.deb";

let system: BootedSystem;

interface Build {
  readonly flags?: readonly string[];
  readonly umask?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Builds the package from the checkout, which has been compiled. @returns the file. */
async function build(output: string, { flags = [], umask = "022", env = {} }: Build = {}): Promise<string> {
  const command = 'umask "$0" && exec node scripts/package-deb.js "$@"';
  const words = ["-c", command, umask, "--output", output, ...flags];
  const { code, stdout, stderr } = await run("bash", words, {
    env: { ...process.env, ...env },
    cwd: CHECKOUT,
  });
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout.trim();
}

/** Removes what was built in the checkout, since the documented commands expect one file there. */
async function removeBuilt(): Promise<void> {
  const names = await readdir(join(CHECKOUT, "dist")).catch(() => []);
  const files = names.filter((name) => name.endsWith(".deb"));
  await Promise.all(files.map((name) => rm(join(CHECKOUT, "dist", name))));
}

let built: string;

beforeAll(async () => {
  await removeBuilt();
  built = join(CHECKOUT, await build("dist"));
  system = await bootSystem();
  // Each installation would index all manual pages of the machine.
  await system.run("rm", "-f", "/var/lib/man-db/auto-update");
  await system.script(await documentedCommands("docs/deployment.md", "debian"));
}, BUILD_MS);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await removeBuilt();
});

const property = async (name: string): Promise<string> =>
  (await system.run("systemctl", "show", "--value", `--property=${name}`, "membrane")).trim();

const useService = (action: string): string =>
  `NODE_EXTRA_CA_CERTS=/var/lib/membrane/tls/ca.pem node packages/testkit/src/use-service.js ${action} /root/kept.json`;

const exists = async (path: string): Promise<boolean> => (await system.tryRun("test", "-e", path)).code === 0;

test("lintian finds nothing in the package but what its overrides explain", async () => {
  const words = ["--allow-root", "--fail-on", "error,warning", built];
  const { code, stdout } = await run("lintian", words, { env: { ...process.env, LANG: "C.UTF-8" } });
  expect([code, stdout]).toEqual([0, ""]);
});

test("the installed package serves, what is made with it works, and its manual pages name each command", async () => {
  expect(await property("ActiveState")).toBe("active");
  await system.script("echo MEMBRANE_ALLOW_TARGET=127.0.0.1:8089 >> /etc/membrane/environment");
  await system.run("systemctl", "restart", "membrane");
  const made = await system.script(`membrane-admin tenant create --id alice --json | ${useService("make")}`);
  expect(made).toBe("200\n");
  expect(await system.run("capi", "--version")).toBe(await system.run("membrane", "--version"));
  for (const [page, text] of [
    ["membrane", "membrane tenant create"],
    ["capi", "capi membrane export"],
    ["membrane-admin", "membrane-admin tenant create"],
  ] as const) {
    const { stdout, stderr } = await system.tryRun("man", "--warnings", "--pager=cat", page);
    expect(stdout.replaceAll("‐", "-")).toContain(text);
    expect(stderr).toBe("");
  }
});

test("the package says what is in it, and under which licenses", async () => {
  const bill = await system.run("zcat", "/usr/share/doc/membrane/membrane.cdx.json.gz");
  const copyright = await system.run("cat", "/usr/share/doc/membrane/copyright");
  const packages = await system.run("find", "/usr/lib/membrane/node_modules/undici", "-name", "LICENSE");
  expect(JSON.parse(bill)).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
  expect(bill).toContain('"name": "undici"');
  expect(copyright).toContain("Files: usr/lib/membrane/node_modules/undici/*");
  expect(packages).toContain("LICENSE");
});

test("another user can read neither the key, nor the configuration, nor the store", async () => {
  for (const path of [
    "/etc/membrane/service.key",
    "/etc/membrane/environment",
    "/var/lib/membrane/store/data.mdb",
  ]) {
    const asOther = await system.tryRun("setpriv", "--reuid=65534", "--clear-groups", "cat", path);
    expect([path, asOther.code, asOther.stdout]).toEqual([path, 1, ""]);
  }
});

test(
  "an upgrade keeps data, key and configuration, and restarts the service",
  async () => {
    await using directory = await temporaryDirectory();
    const file = await withVersion("99.0.0", directory.path);
    const [process, key] = [await property("MainPID"), await system.run("cat", "/etc/membrane/service.key")];
    await writeFile(system.path("/root/newer.deb"), await readFile(file));
    await system.run("dpkg", "--install", "/root/newer.deb");
    expect(await system.run("dpkg-query", "--show", "--showformat=${Version}", "membrane")).toBe("99.0.0");
    expect(await property("ActiveState")).toBe("active");
    expect(await property("MainPID")).not.toBe(process);
    expect(await system.run("cat", "/etc/membrane/service.key")).toBe(key);
    expect(await system.script(useService("use"))).toBe("200\n");
  },
  BUILD_MS,
);

/** Another package of the same files. @returns its file. */
async function withVersion(version: string, directory: string): Promise<string> {
  const script = `dpkg-deb --raw-extract "$1" "$2/root" && sed -i "s/^Version: .*/Version: $3/" "$2/root/DEBIAN/control" &&
    dpkg-deb --root-owner-group -Znone --build "$2/root" "$2/newer.deb"`;
  const words = ["-euc", script, "bash", built, directory, version];
  const { code, stderr } = await run("bash", words, { env: process.env });
  if (code !== 0) throw new Error(stderr);
  return join(directory, "newer.deb");
}

test(
  "a removal stops the service and keeps its data, which a new installation serves",
  async () => {
    await system.run("dpkg", "--remove", "membrane");
    expect([await property("ActiveState"), await exists("/usr/bin/membrane")]).toEqual(["inactive", false]);
    await system.script(await documentedCommands("docs/deployment.md", "debian"));
    expect(await system.script(useService("use"))).toBe("200\n");
  },
  BUILD_MS,
);

test(
  "a purge keeps the store and its key and says so, and a new installation serves them",
  async () => {
    const purged = await system.tryRun("dpkg", "--purge", "membrane");
    expect(purged.code).toBe(0);
    expect(purged.stderr).toContain(
      "kept /var/lib/membrane, the store, and /etc/membrane/service.key, its key",
    );
    expect(await exists("/var/lib/membrane/store/data.mdb")).toBe(true);
    expect(await exists("/etc/membrane/service.key")).toBe(true);
    expect(await exists("/etc/membrane/environment")).toBe(false);
    expect(await exists("/usr/lib/membrane")).toBe(false);
    await system.script(`${INSTALL} && systemctl start membrane`);
    expect(await system.script(useService("revoke"))).toBe("401\n");
  },
  BUILD_MS,
);

test("the script of an installation makes no other key for a store whose key is missing", async () => {
  await system.run("systemctl", "stop", "membrane");
  await system.run("rm", "/etc/membrane/service.key");
  await system.run("/var/lib/dpkg/info/membrane.postinst", "configure");
  expect(await exists("/etc/membrane/service.key")).toBe(false);
});

test(
  "an installation starts nothing, and a purge keeps the key even where no store is, which may be on a volume that is not mounted",
  async () => {
    await system.script(`dpkg --purge membrane && rm -rf /var/lib/membrane /etc/membrane && ${INSTALL}`);
    expect(await property("ActiveState")).toBe("inactive");
    const key = await system.run("cat", "/etc/membrane/service.key");
    expect(key).toMatch(/^[0-9a-f]{64}\n$/);
    await system.run("dpkg", "--purge", "membrane");
    expect(await system.run("cat", "/etc/membrane/service.key")).toBe(key);
  },
  BUILD_MS,
);

test("the script of an installation makes no key on a machine that gives it no random bytes", async () => {
  const broken = "mkdir /srv/bin && printf '#!/bin/sh\\nexit 1\\n' > /srv/bin/od && chmod 755 /srv/bin/od";
  await system.script(`rm -rf /etc/membrane/service.key && ${broken}`);
  const script = "PATH=/srv/bin:$PATH /var/lib/dpkg/info/membrane.postinst configure";
  expect((await system.tryRun("sh", "-c", script)).code).not.toBe(0);
  expect(await exists("/etc/membrane/service.key")).toBe(false);
});

test(
  "two builds of a commit are the same, byte for byte, whatever the time zone, the umask and the directory",
  async () => {
    await using directory = await temporaryDirectory();
    const again = await build(directory.path, {
      umask: "077",
      env: { TZ: "Asia/Tokyo", TMPDIR: directory.path },
    });
    const first = await readFile(built);
    expect(first.equals(await readFile(again))).toBe(true);
  },
  BUILD_MS,
);
