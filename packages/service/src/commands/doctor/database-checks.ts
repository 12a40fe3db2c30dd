import type { ServeConfig } from "../../config.ts";
import type { PostgresConfig } from "../../store-config.ts";
import { serverProblem } from "../../store/postgres/server-check.ts";
import { wallClock } from "../../wall-clock.ts";
import { withDatabase } from "../database-place.ts";
import { databaseFindings } from "./database-findings.ts";
import type { Finding } from "./finding.ts";
import { messageOf } from "./finding.ts";

export interface DatabaseCheck {
  readonly findings: readonly Finding[];
  /** Whether the server may keep a store, and has one with the schema of this program, or none. */
  readonly isUsable: boolean;
}

/** Checks the server of a store in PostgreSQL. */
export async function checkDatabase(
  postgres: PostgresConfig,
  { workers }: Pick<ServeConfig, "workers">,
): Promise<DatabaseCheck> {
  try {
    return await withDatabase(postgres, async (connection) => {
      const { reportServer } = await import("../../store/postgres/server-report.ts");
      const { MIGRATIONS } = await import("../../store/postgres/migrations.ts");
      const { CONNECTIONS_OF_PARENT, CONNECTIONS_PER_PROCESS } =
        await import("../../store/postgres/engine.ts");
      const report = await reportServer(connection, { wall: wallClock, monotonic: () => performance.now() });
      const program = {
        schemaVersion: MIGRATIONS.length,
        connectionsPerProcess: CONNECTIONS_PER_PROCESS,
        connectionsOfParent: CONNECTIONS_OF_PARENT,
      };
      const findings = databaseFindings(report, { ...postgres, ...program, workers });
      const isUsable =
        report.store === undefined
          ? report.mayCreate && serverProblem(report) === undefined
          : report.store.schemaVersion === program.schemaVersion;
      return { findings, isUsable };
    });
  } catch (error) {
    return { findings: [{ ok: false, what: `database: ${messageOf(error)}` }], isUsable: false };
  }
}
