import { homedir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { createAuditLog } from "./audit/log.ts";
import type { Command } from "./cli.ts";
import { readCommandLine } from "./cli.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { serve } from "./commands/serve.ts";
import { tenant } from "./commands/tenant.ts";

const STANDARD_ERROR = 2;

try {
  const command = await readCommandLine(process.argv.slice(2));
  if (command !== undefined) await run(command);
} catch (error) {
  process.stderr.write(`membrane: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}

async function run(command: Command): Promise<void> {
  switch (command.name) {
    case "serve": {
      const logger = pino({ level: command.config.logLevel, base: null }, pino.destination(STANDARD_ERROR));
      const log = createAuditLog(logger);
      // What nobody expected may hold a secret in its message: it is logged as all faults are, and not printed.
      process.on("uncaughtException", (error) => {
        log.fault(error);
        process.exit(1);
      });
      return serve(command.config, {
        log,
        print,
        home: homedir,
        stop: terminated(),
        collectYoung: youngCollector(),
      });
    }
    case "init":
      return init(command.config, command.json, { now: new Date(), home: homedir, print, note });
    case "doctor": {
      if (!(await doctor(command.config, process.version, new Date(), print))) process.exitCode = 1;
      return;
    }
    case "tenant create":
    case "tenant list":
    case "tenant reissue":
      return tenant(command, print);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

function terminated(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}

/** The engine's own collector of young objects; it is in sight only of contexts made after the flag is set. */
function youngCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => {
    if (typeof collect === "function") collect({ type: "minor" });
  };
}
