import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { OpenEngine } from "../../src/commands/directory-place.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";
import { runDebianProgram } from "../../../testkit/src/debian-postgres.ts";
import { createFullStore } from "../../../testkit/src/full-store.ts";
import { createDatabase } from "../../../testkit/src/instance-store.ts";
import { openNodeEngine } from "../../../testkit/src/postgres-engine.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { expectNothingIn, formsOf } from "../support/secret-forms.ts";
import { endFullStore, LOOKUP_OF_CANARIES, useFullStore } from "../support/used-store.ts";

/** A server with these logs all that it can of its clients. */
const LOG_EVERYTHING = {
  log_statement: "'all'",
  log_duration: "on",
  log_connections: "on",
  log_min_messages: "'debug2'",
  log_error_verbosity: "'verbose'",
  log_parameter_max_length: "-1",
  log_parameter_max_length_on_error: "-1",
};

test("neither a dump of the database nor the server's log of all statements with their values has a token, a target, a credential or the password", async () => {
  await using server = await startPostgres({ settings: LOG_EVERYTHING });
  const config = await createDatabase(server);
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const engine: OpenEngine = (options) => openNodeEngine(config, options);
  await using service = await startTestService({
    directory: directory.path,
    engine,
    lookup: LOOKUP_OF_CANARIES,
  });
  const made = await createFullStore(service, target.port);
  const serviceKey = await readFile(join(directory.path, "service.key"), "utf8");
  const secrets = [...made.secrets, server.password, serviceKey.trim()];
  const forbidden = formsOf({ tokens: made.tokens, secrets });
  const stolen = async (): Promise<Map<string, Buffer>> =>
    new Map([
      ["the dump", Buffer.from(await dumpOf(config))],
      ["the server's log", Buffer.from(await server.log())],
    ]);

  await useFullStore(service, made);
  const files = await stolen();
  expectNothingIn(files, forbidden);
  // Both have the records, in which names are in clear.
  const name = new Map([["a name", Buffer.from(Buffer.from("gamma").toString("hex"))]]);
  for (const [place, bytes] of files)
    expect(() => expectNothingIn(new Map([[place, bytes]]), name)).toThrow("holds a name");
  await endFullStore(service, made);
  expectNothingIn(await stolen(), forbidden);
});

/** The rows and the schema as statements, as a backup has them. */
function dumpOf({ host, port, user, password = "", database }: ConnectionConfig): Promise<string> {
  const place = ["-h", host, "-p", String(port), "-U", user, database];
  return runDebianProgram("pg_dump", ["--no-password", ...place], { PGPASSWORD: password });
}
