import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openUsedConnections, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";

const KIB = 1024;
const CONNECTIONS = 100;

test("a connection that repeats its head keeps nothing of a large target", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  await using service = await startTestService();
  await using target = await startStreamingTarget((_request, response) => void response.end("ok"));
  const headers = Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`x-a${at}`, `v${at}`]));
  const { token } = await exportTarget(service, { uri: target.url, headers });
  const opened = await openUsedConnections(service.port, CONNECTIONS);
  const round = async (): Promise<number> => {
    for (const { connection } of opened) {
      const from = connection.received().length;
      connection.send(requestHead(token));
      expect((await nextResponse(connection, { from })).status).toBe(200);
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const first = await round();
  // Now the head comes again, and then what was made of it is used.
  await round();
  expect((await round()) - first).toBeLessThan(CONNECTIONS * 30 * KIB);
  for (const { connection } of opened) await connection[Symbol.asyncDispose]();
});
