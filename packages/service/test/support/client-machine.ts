import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { trustGlobally } from "../../../testkit/src/global-dispatcher.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import { run } from "../../../testkit/src/run.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { spellingsOf } from "../../../testkit/src/token-carriers.ts";

/** A machine on which clients run unmodified: a service over TLS, and a home directory that has none of this machine's settings. */
export interface ClientMachine extends AsyncDisposable {
  readonly service: TestService;
  /** `127.0.0.1:PORT`. */
  readonly authority: string;
  /** File of the CA of the service's certificate. */
  readonly ca: string;
  readonly home: string;
  /** Runs a program in the home directory. */
  run(program: string, args: readonly string[]): Promise<ProcessResult>;
  /** Runs a program of Node.js, which may import the packages that this package installs. */
  runModule(code: string): Promise<ProcessResult>;
  /** Writes a file below the home directory, and returns its path. */
  write(name: string, text: string): Promise<string>;
}

/** @param variables of the environment, given the CA's file. */
export async function startClientMachine(
  variables: (ca: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<ClientMachine> {
  const directory = await temporaryDirectory();
  const certificate = await makeCertificate("127.0.0.1");
  const port = await freePort();
  const authority = `127.0.0.1:${port}`;
  const service = await startTestService({ tls: certificate, authority, port });
  const trust = trustGlobally(certificate.ca);
  const home = join(directory.path, "home");
  await mkdir(home);
  const ca = join(directory.path, "ca.pem");
  await writeFile(ca, certificate.ca);
  const clean = { PATH: env["PATH"], HOME: home, LANG: "C.UTF-8", TMPDIR: env["TMPDIR"], ...variables(ca) };
  return {
    service,
    authority,
    ca,
    home,
    run: (program, args) => run(program, args, { cwd: home, env: clean }),
    runModule: (code) =>
      run(process.execPath, ["--input-type=module", "-e", code], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        env: { ...clean, NODE_EXTRA_CA_CERTS: ca },
      }),
    async write(name, text) {
      await writeFile(join(home, name), text);
      return join(home, name);
    },
    async [Symbol.asyncDispose]() {
      await trust[Symbol.asyncDispose]();
      await service.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Exports a target. */
export function grant(
  { service }: ClientMachine,
  body: object,
): Promise<{ readonly token: string; readonly revoke: string }> {
  return exportTarget(service, body);
}

export async function revoke({ service }: ClientMachine, token: string): Promise<void> {
  expectStatus(await call(service, token), 202);
}

/** Checks that a target got no spelling of the token, and in each request its own credential, once. */
export function expectOwnCredential(
  requests: readonly { readonly url?: string | undefined; readonly rawHeaders: readonly string[] }[],
  token: string,
  [name, value]: readonly [name: string, value: string],
): void {
  expect(requests.length).toBeGreaterThan(0);
  for (const { url, rawHeaders } of requests) {
    const text = [url, ...rawHeaders].join("\n");
    for (const spelling of spellingsOf(token)) expect(text).not.toContain(spelling);
    const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
    expect(values).toEqual([value]);
  }
}
