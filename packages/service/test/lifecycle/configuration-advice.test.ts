import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnMembrane } from "../../../testkit/src/process.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

/** The advice that a start logs, except on open files, which depends on the machine. */
const advice = (service: ServiceProcess): readonly (string | undefined)[] =>
  service
    .logged()
    .flatMap(({ msg, subject }) => (msg === "check the configuration" ? [subject] : []))
    .filter((subject) => subject !== "open files");

test("a start serves, and logs why its clients would refuse it, and a rename once", async () => {
  await using directory = await temporaryDirectory();
  const [certFile, keyFile] = [join(directory.path, "tls.crt"), join(directory.path, "tls.key")];
  const { cert, key } = await makeCertificate("a.test");
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  const serve = (authority: string): Promise<ServiceProcess> =>
    spawnMembrane([
      "serve",
      "--data",
      join(directory.path, "data"),
      "--listen",
      "127.0.0.1:0",
      "--tls-cert",
      certFile,
      "--tls-key",
      keyFile,
      "--authority",
      authority,
    ]);
  for (const [authority, expected] of [
    ["a.test", []],
    ["b.test", ["authority", "certificate"]],
    ["b.test", ["certificate"]],
  ] as const) {
    await using service = await serve(authority);
    expect(advice(service)).toEqual(expected);
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }
});
