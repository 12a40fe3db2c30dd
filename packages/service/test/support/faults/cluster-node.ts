import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LogLine, ServiceProcess } from "../../../../testkit/src/process.ts";
import { spawnService } from "../../../../testkit/src/process.ts";
import type { Relay } from "../../../../testkit/src/relay.ts";
import { startRelay } from "../../../../testkit/src/relay.ts";
import { until } from "../../../../testkit/src/until.ts";

const SHIFTED_CLOCK = fileURLToPath(new URL("../../../../testkit/src/shifted-clock.js", import.meta.url));

export interface NodeOptions {
  readonly number: number;
  /** Its data directory. */
  readonly directory: string;
  /** The port of the server of PostgreSQL. */
  readonly serverPort: number;
  /** Environment of a process that reaches its store on this port. */
  readonly environment: (port: number) => Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/** A process of the service that clients ask. Its process may be replaced. */
export interface ServingNode {
  readonly number: number;
  /** Its current process. */
  readonly service: ServiceProcess;
}

/** One node: a process of the service that reaches its store through a relay. */
export interface ClusterNode extends ServingNode, AsyncDisposable {
  readonly relay: Relay;
  /** Stops the process until `resume`, and returns when it has stopped. */
  pause(): Promise<void>;
  resume(): void;
  kill(): Promise<void>;
  /** Starts a process in place of one that was killed. */
  restart(): Promise<void>;
  /** Moves the time of day of the process to this many milliseconds from the true one. */
  shiftClock(ms: number): Promise<void>;
  /** What all processes of the node have logged. */
  logged(): readonly LogLine[];
}

export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { number, directory, serverPort } = options;
  const relay = await startRelay(serverPort);
  // A data directory with other files is refused.
  const clock = `${directory}-clock`;
  const ended: ServiceProcess[] = [];
  const start = (): Promise<ServiceProcess> =>
    spawnService(directory, {
      flags: options.flags,
      env: {
        ...options.environment(relay.port),
        NODE_OPTIONS: `--import ${pathToFileURL(SHIFTED_CLOCK).href}`,
        SHIFTED_CLOCK: clock,
      },
    });
  let service: ServiceProcess;
  try {
    service = await start();
  } catch (error) {
    await relay[Symbol.asyncDispose]();
    throw error;
  }
  return {
    number,
    relay,
    get service() {
      return service;
    },
    async pause() {
      process.kill(service.pid, "SIGSTOP");
      await until("the process is stopped", async () => (await processState(service.pid)) === "T");
    },
    resume: () => void process.kill(service.pid, "SIGCONT"),
    async kill() {
      await service.end("SIGKILL");
      ended.push(service);
    },
    async restart() {
      service = await start();
    },
    async shiftClock(ms) {
      await writeFile(clock, String(ms));
      process.kill(service.pid, "SIGUSR2");
    },
    logged: () => [...ended, service].flatMap(({ logged }) => logged()),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** Returns the letter of a process's state (proc(5)). */
async function processState(pid: number): Promise<string | undefined> {
  return / \(.*\) (\S)/.exec(await readFile(`/proc/${pid}/stat`, "utf8"))?.[1];
}
