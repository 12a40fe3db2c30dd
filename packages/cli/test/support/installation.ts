import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { profileDirectory, readProfile } from "capability-sdk/profiles";
import type { Profile } from "capability-sdk/profiles";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnMembrane } from "../../../testkit/src/process.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import { CAPI, environment } from "./program.ts";

/** A user's home directory, without settings of this machine. */
export interface Home extends AsyncDisposable {
  readonly path: string;
  /** Runs `capi` until it ends. */
  capi(args: readonly string[], input?: string | Buffer): Promise<ProcessResult>;
  /** Runs `capi` and throws unless it succeeds. Returns standard output without the line break at its end. */
  succeed(args: readonly string[], input?: string | Buffer): Promise<string>;
  /** Writes a file and returns its path. */
  file(name: string, text: string | Buffer): Promise<string>;
}

/** A service over TLS after its first start, with this home directory. */
export interface Installation extends Home {
  readonly authority: string;
  readonly service: ServiceProcess;
  /** Path of the service's private CA. */
  readonly ca: string;
  /** Reads the CA, PEM. */
  readCa(): Promise<string>;
  /** The capabilities of the first tenant. */
  readonly capabilities: Required<Profile["capabilities"]>;
  /** Creates a home directory for another user, without a profile for the service. */
  createOtherHome(): Promise<Home>;
}

/** @param flags further flags for the service. */
export async function startInstallation(...flags: readonly string[]): Promise<Installation> {
  const home = await createHome();
  const port = await freePort();
  const authority = `localhost:${port}`;
  const data = join(home.path, "data");
  const args = [
    "--profile",
    "default",
    "--listen",
    `127.0.0.1:${port}`,
    "--authority",
    authority,
    "--allow-target",
    "127.0.0.0/8,::1/128",
    ...flags,
  ];
  const service = await spawnMembrane(["serve", "--data", data, ...args], { HOME: home.path });
  const profile = await readProfile(profileDirectory(home.path), "default");
  const { create = "", query = "", deleteSelf = "" } = profile?.capabilities ?? {};
  return {
    ...home,
    authority,
    service,
    ca: join(data, "tls", "ca.pem"),
    readCa: () => readFile(join(data, "tls", "ca.pem"), "utf8"),
    capabilities: { create, query, deleteSelf },
    async createOtherHome() {
      return homeAt(await mkdtemp(join(home.path, "stranger-")), () => Promise.resolve());
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

export async function createHome(): Promise<Home> {
  const directory = await temporaryDirectory();
  return homeAt(directory.path, () => directory[Symbol.asyncDispose]());
}

function homeAt(path: string, dispose: () => PromiseLike<void>): Home {
  const capi = (args: readonly string[], input: string | Buffer = ""): Promise<ProcessResult> =>
    runCapi(path, args, input);
  return {
    path,
    capi,
    async succeed(args, input) {
      const { code, stdout, stderr } = await capi(args, input);
      if (code !== 0) throw new Error(`capi ${args.slice(0, 2).join(" ")} ended with ${code}: ${stderr}`);
      return stdout.replace(/\n$/, "");
    },
    async file(name, text) {
      await writeFile(join(path, name), text);
      return join(path, name);
    },
    [Symbol.asyncDispose]: async () => dispose(),
  };
}

async function runCapi(
  home: string,
  args: readonly string[],
  input: string | Buffer,
): Promise<ProcessResult> {
  const child = spawn(process.execPath, [CAPI, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment(home),
    cwd: home,
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // Ignores the error when a process ends without reading its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  await once(child, "close");
  return {
    code: child.exitCode,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}
