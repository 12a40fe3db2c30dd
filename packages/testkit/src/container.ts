import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContainerConfig } from "./build-container.ts";
import { buildScript, readConfig } from "./build-container.ts";
import { contextFiles, parseContainerFile } from "./container-file.ts";
import type { ProcessResult } from "./run.ts";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { until } from "./until.ts";

const SCRIPT = fileURLToPath(new URL("build-container.sh", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Longer than a build takes on a busy machine, in milliseconds. */
const MAX_BUILD_MS = 600_000;

/** The container of a Containerfile, built and started without an engine. */
export interface Container extends AsyncDisposable {
  readonly config: ContainerConfig;
  /** Runs a program in it, as its user and with its variables. */
  execute(words: readonly string[]): Promise<ProcessResult>;
  /** Runs a program of this machine on the network of the container, as root. */
  onItsNetwork(
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
    input?: string,
  ): Promise<ProcessResult>;
  /** Where a file of it can be reached from here. */
  path(file: string): string;
  /** What the kernel says of its first process. */
  status(): Promise<string>;
  /** Sends the signal that stops it, and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/**
 * Builds the image of a Containerfile of this repository, and starts it with a read-only root, a new volume, and a separate network.
 *
 * @param containerFile path from the root of the repository, which is the context.
 * @param env variables in addition to those of the image.
 */
export async function startContainer(
  containerFile: string,
  env: Readonly<Record<string, string>>,
): Promise<Container> {
  const stages = parseContainerFile(await readFile(join(ROOT, containerFile), "utf8"));
  const config = readConfig(stages);
  const variables = Object.entries({ ...config.env, ...env }).map(([name, value]) => `${name}=${value}`);
  const directory = await temporaryDirectory();
  const [layers, context, plan] = ["layers", "context", "plan"].map((name) => join(directory.path, name));
  await mkdir(layers!);
  await copyContext(context!);
  await writeFile(plan!, buildScript(stages));
  const { volume, user, workdir, entrypoint, command } = config;
  const words = [
    SCRIPT,
    layers!,
    context!,
    plan!,
    volume,
    user,
    workdir,
    ...variables,
    ...entrypoint,
    ...command,
  ];
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child"];
  const child = spawn("setpriv", ["--pdeathsig=KILL", "unshare", ...namespaces, "bash", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const ended = once(child, "close");
  const [uid, gid] = user.split(":");
  let pid = "";
  const enter = ["--target", "", "--mount", "--pid", "--net", "--ipc", "--uts"];
  const execute = (program: readonly string[]): Promise<ProcessResult> => {
    enter[1] = pid;
    const identity = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"];
    const environment = ["env", "-i", "-C", workdir, `PATH=${PATH}`, ...variables];
    return run("nsenter", [...enter, "--root", "--", "setpriv", ...identity, ...environment, ...program], {
      env: { PATH },
    });
  };
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    await directory[Symbol.asyncDispose]();
  };
  try {
    await until(
      "the container is healthy",
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${Buffer.concat(output).toString()}`);
        pid = await serviceProcess(child.pid!);
        return pid !== "" && (await execute(config.health)).code === 0;
      },
      MAX_BUILD_MS,
    );
  } catch (error) {
    await end();
    throw error;
  }
  return {
    config,
    execute,
    onItsNetwork: (program, more = {}, input) =>
      run("nsenter", ["--target", pid, "--net", "--", ...program], { env: { PATH, ...more }, input }),
    path: (file) => join(`/proc/${pid}/root`, file),
    status: () => readFile(`/proc/${pid}/status`, "utf8"),
    async stop() {
      process.kill(Number(pid), config.stopSignal as NodeJS.Signals);
      await ended;
      return child.exitCode;
    },
    [Symbol.asyncDispose]: end,
  };
}

async function copyContext(context: string): Promise<void> {
  const listed = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    env: process.env,
    cwd: ROOT,
  });
  const ignore = await readFile(join(ROOT, ".dockerignore"), "utf8");
  for (const file of contextFiles(ignore, listed.stdout.trim().split("\n"))) {
    await mkdir(dirname(join(context, file)), { recursive: true });
    await cp(join(ROOT, file), join(context, file));
  }
}

/** The process that runs the service: each `unshare` has one child. Nothing before it has become Node.js. */
async function serviceProcess(outer: number): Promise<string> {
  const child = async (parent: string): Promise<string> =>
    (await readFile(`/proc/${parent}/task/${parent}/children`, "utf8").catch(() => "")).trim();
  const pid = await child(await child(String(outer)));
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  return name === "node\n" ? pid : "";
}
