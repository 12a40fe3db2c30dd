import { execFile } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import type { EmbeddedServer } from "./embedded-server.ts";
import { embeddedServerScript, spawnEmbeddedServer } from "./embedded-server.ts";
import type { LoopbackServer } from "./superuser-connection.ts";

/** A PostgreSQL server that a test can stop and start again. */
export interface RestartablePostgres extends LoopbackServer, AsyncDisposable {
  /** Ends it as a crash would: it recovers at its next start (`pg_ctl stop -m immediate`). */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Keeps a copy of the files of the stopped server. */
  keepFiles(): Promise<void>;
  /** Replaces the files of the stopped server by the copy: what was committed since is lost, as in a failover without a standby. */
  restoreFiles(): Promise<void>;
}

const SCRIPT = embeddedServerScript(
  true,
  `
import { once } from "node:events";
import { rm } from "node:fs/promises";
const stop = async () => {
  const { process: running } = server;
  if (running === undefined) return;
  server.process = undefined;
  if (running.exitCode !== null || running.signalCode !== null) return;
  running.kill("SIGQUIT");
  await once(running, "exit");
};
const commands = { stop, start: () => server.start() };
process.on("message", async (command) => {
  await commands[command]();
  process.send("done");
});
process.on("disconnect", async () => {
  await stop();
  for (const path of [databaseDir, databaseDir + "-copy"]) await rm(path, { recursive: true, force: true });
  process.exit();
});`,
);

/** Starts a server on a free port of loopback, with a superuser. */
export async function startRestartablePostgres(): Promise<RestartablePostgres> {
  const child = spawnEmbeddedServer(SCRIPT);
  const ended = once(child, "exit");
  const failed = ended.then(() => Promise.reject(new Error("the PostgreSQL server has ended")));
  // It ends in order, too, when no one waits for it.
  failed.catch(() => undefined);
  const nextMessage = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, "message"), failed]);
    return message;
  };
  const command = async (name: "stop" | "start"): Promise<void> => {
    const done = nextMessage();
    child.send(name);
    await done;
  };
  const { directory, ...connection } = (await nextMessage()) as EmbeddedServer;
  const copy = `${directory}-copy`;
  return {
    ...connection,
    stop: () => command("stop"),
    start: () => command("start"),
    keepFiles: () => copyFiles(directory, copy),
    restoreFiles: () => copyFiles(copy, directory),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
    },
  };
}

/** Keeps owners and modes, without which the server does not start. */
async function copyFiles(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await promisify(execFile)("cp", ["-Rp", from, to]);
}
