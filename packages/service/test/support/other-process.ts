import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { engineOfRun } from "../../../testkit/src/engines.ts";
import { databaseOf } from "../../../testkit/src/postgres-engine.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { databaseAt } from "../../../testkit/src/test-database.ts";

/** Starts another process on the store of a service: on its data directory, or as another node of its database. */
export async function startOtherProcess({ directory }: TestService): Promise<ServiceProcess> {
  if (engineOfRun() !== "postgres") return spawnService(directory);
  const data = join(directory, "other-node");
  await mkdir(data, { mode: 0o700 });
  await copyFile(join(directory, "service.key"), join(data, "service.key"));
  const config = await databaseOf(join(directory, "store"));
  return databaseAt(config, config.port).startNode(data);
}
