import type { Command } from "../command.ts";
import type { EventLog } from "../telemetry/events.ts";
import type { ExitCode } from "./exit-code.ts";
import type { LeakedProcess } from "./leaked/leaked.ts";
import type { Print } from "./print.ts";

/** A command that ends by itself. */
export type OperatorCommand = Exclude<Command, { readonly name: "serve" }>;

/** What such a command needs of its process. */
export interface CommandProcess extends Pick<LeakedProcess, "input" | "confirm"> {
  readonly print: Print;
  /** Messages for a person, kept apart from the output that a program parses. */
  readonly printError: Print;
  /** Where changes are recorded, at every log level. */
  readonly openLog: () => EventLog;
  readonly home: () => string;
  readonly nodeVersion: string;
  readonly now: Date;
}

/** Runs a command. Its code is loaded only then, so that an error in the command line is reported at once. */
export async function runOperatorCommand(
  command: OperatorCommand,
  { print, printError, openLog, home, nodeVersion, now, input, confirm }: CommandProcess,
): Promise<ExitCode> {
  switch (command.name) {
    case "init": {
      const { init } = await import("./init.ts");
      await init(command.config, command.json, { now, home, print, printError, log: openLog() });
      return 0;
    }
    case "doctor": {
      const { doctor } = await import("./doctor/doctor.ts");
      return (await doctor(command.config, nodeVersion, now, print)) ? 0 : 1;
    }
    case "tenant create":
    case "tenant list":
    case "tenant reissue":
    case "tenant delete": {
      const { tenant } = await import("./tenant.ts");
      await tenant(command, { print, log: openLog() });
      return 0;
    }
    case "backup": {
      const { backup } = await import("./backup.ts");
      await backup(command, { print, log: openLog(), now });
      return 0;
    }
    case "restore": {
      const { restore } = await import("./restore.ts");
      await restore(command, { print, log: openLog(), now });
      return 0;
    }
    case "migrate": {
      const { migrate } = await import("./migrate.ts");
      await migrate(command, { print, log: openLog(), now });
      return 0;
    }
    case "key rotate":
    case "key status":
    case "key retire":
    case "key drop": {
      const { key } = await import("./key/key.ts");
      await key(command, { print, log: openLog() });
      return 0;
    }
    case "leaked": {
      const { leaked } = await import("./leaked/leaked.ts");
      return leaked(command, { print, log: openLog(), input, confirm });
    }
    case "audit verify": {
      const { verifyAudit } = await import("./verify-audit.ts");
      return (await verifyAudit(command, print)) ? 0 : 1;
    }
    case "membrane list":
    case "membrane revoke": {
      const { membrane } = await import("./membrane.ts");
      await membrane(command, { print, log: openLog() });
      return 0;
    }
  }
}
