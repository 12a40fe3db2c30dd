import { once } from "node:events";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnMembrane } from "../../../testkit/src/process.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

const POLL = { timeout: 60_000, interval: 200 };

/** Returns the certificate of a new connection, PEM. */
async function shown(service: ServiceProcess): Promise<string> {
  const socket = connect({ port: service.port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(30_000) });
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString("base64");
}

/** Returns those of several connections, which go to the workers in turn. */
async function shownByAll(service: ServiceProcess): Promise<readonly string[]> {
  return [...new Set(await Promise.all(Array.from({ length: 6 }, () => shown(service))))];
}

const der = ({ cert }: TestCertificate): readonly string[] => [cert.replaceAll(/-----[A-Z ]+-----|\n/g, "")];

/** Makes a directory like a mounted Secret of Kubernetes: files are links through `..data`, which is replaced as a whole. */
async function openSecret(directory: string) {
  let version = 0;
  const link = (name: string): Promise<void> => symlink(join("..data", name), join(directory, name));
  await mkdir(directory);
  await Promise.all(["tls.crt", "tls.key"].map(link));
  return {
    certFile: join(directory, "tls.crt"),
    keyFile: join(directory, "tls.key"),
    async swap({ cert, key }: { readonly cert: string; readonly key: string }): Promise<void> {
      version += 1;
      await mkdir(join(directory, `..${version}`));
      await writeFile(join(directory, `..${version}`, "tls.crt"), cert);
      await writeFile(join(directory, `..${version}`, "tls.key"), key);
      await symlink(`..${version}`, join(directory, "..data_tmp"));
      await rename(join(directory, "..data_tmp"), join(directory, "..data"));
      await rm(join(directory, `..${version - 1}`), { recursive: true, force: true });
    },
  };
}

function serve(data: string, authority: string, ...flags: readonly string[]): Promise<ServiceProcess> {
  return spawnMembrane([
    "serve",
    "--data",
    data,
    "--listen",
    "127.0.0.1:0",
    "--authority",
    authority,
    ...flags,
  ]);
}

const messages = (service: ServiceProcess): readonly (string | undefined)[] =>
  service.logged().map(({ msg }) => msg);

test.each([1, 2])(
  "with %i process(es) a renewed certificate is presented after a while or at SIGHUP; one that is not valid leaves the old one",
  async (workers) => {
    await using directory = await temporaryDirectory();
    const [first, second, third] = [
      await makeCertificate("a.test"),
      await makeCertificate("a.test"),
      await makeCertificate("a.test"),
    ] as const;
    const secret = await openSecret(join(directory.path, "secret"));
    await secret.swap(first);
    const given = ["--tls-cert", secret.certFile, "--tls-key", secret.keyFile];
    const data = join(directory.path, "data");
    await using service = await serve(data, "a.test", ...given, "--workers", String(workers));
    expect(await shownByAll(service)).toEqual(der(first));

    // Without a signal.
    await secret.swap(second);
    await expect.poll(() => shownByAll(service), POLL).toEqual(der(second));
    await expect.poll(() => messages(service), POLL).toContain("certificate renewed");

    // At the signal, after which the result is always logged.
    process.kill(service.pid, "SIGHUP");
    await expect.poll(() => messages(service), POLL).toContain("certificate unchanged");
    await secret.swap({ cert: third.cert, key: first.key });
    process.kill(service.pid, "SIGHUP");
    await expect.poll(() => messages(service), POLL).toContain("certificate rejected, the old one stays");
    expect(await shownByAll(service)).toEqual(der(second));

    // A worker that replaces another one presents the same certificate as the others.
    const pids = service.logged().flatMap(({ worker }) => worker ?? []);
    if (pids[0] !== undefined) process.kill(pids[0], "SIGKILL");
    const started = (): number => messages(service).filter((msg) => msg === "worker started").length;
    await expect.poll(started, POLL).toBe(workers === 1 ? 0 : 3);
    expect(await shownByAll(service)).toEqual(der(second));

    await secret.swap(third);
    process.kill(service.pid, "SIGHUP");
    await expect.poll(() => shownByAll(service), POLL).toEqual(der(third));
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
  300_000,
);

test.each([1, 2])(
  "with %i process(es) and its own certificate, SIGHUP ends nothing and is logged",
  async (workers) => {
    await using directory = await temporaryDirectory();
    await using service = await serve(directory.path, "localhost", "--workers", String(workers));
    const before = await shownByAll(service);
    process.kill(service.pid, "SIGHUP");
    const unchanged = (): number => messages(service).filter((msg) => msg === "certificate unchanged").length;
    await expect.poll(unchanged, POLL).toBe(workers);
    expect(messages(service)).toContain("reloading");
    await rm(join(directory.path, "tls", "leaf.pem"));
    process.kill(service.pid, "SIGHUP");
    await expect.poll(async () => (await shownByAll(service))[0] === before[0], POLL).toBe(false);
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test("SIGHUP without TLS ends nothing", async () => {
  await using directory = await temporaryDirectory();
  await using service = await serve(directory.path, "localhost", "--no-tls");
  process.kill(service.pid, "SIGHUP");
  await expect.poll(() => messages(service), POLL).toContain("reloading");
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
});
