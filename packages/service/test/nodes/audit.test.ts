import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { readTrail } from "../../../testkit/src/audit-trail.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { runMembrane } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";
import { until } from "../../../testkit/src/until.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";

test("two nodes have a trail each, what a revoke cuts at the other node is in its own, and their store misses a file of either", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  const [near, far] = [join(directory.path, "near"), join(directory.path, "far")];
  const files = [join(directory.path, "near.log"), join(directory.path, "far.log")] as const;
  const flagsOf = (file: string): readonly string[] => [...LEASE_FLAGS, "--audit", file, "--audit-required"];
  await using first = await database.startNode(near, flagsOf(files[0]));
  await mkdir(far, { mode: 0o700 });
  await copyFile(join(near, "service.key"), join(far, "service.key"));
  const second = await database.startNode(far, flagsOf(files[1]));

  const { create } = await firstTokens(near);
  const membranes = [];
  for (let index = 0; index < 6; index += 1)
    membranes.push(await createMembrane(index % 2 === 0 ? first : second, create, `m${index}`));
  const agent = new Agent();
  await using target = await startEndlessTarget();
  const token = await exportThrough(first, membranes[2]!.export, { uri: target.url });
  const stream = await openStream(first, token, agent);
  expectStatus(await call(second, membranes[2]!.revoke), 202);
  await stream.aborted();
  const revokes = (await readTrail(files[1])).filter(
    ({ event, action }) => event === "begin" && action === "revoke",
  );
  // When the other node had applied it.
  await until("the revoke has an end", async () =>
    (await readTrail(files[1])).some(
      ({ event, action, outcome }) => event === "end" && action === "revoke" && outcome === "done",
    ),
  );
  await until("the node with the stream has recorded that it has cut it", async () =>
    (await readTrail(files[0])).some(
      ({ event, revoked, exchanges }) =>
        // On a busy machine the node may have lost its lease first.
        event === "cut" &&
        [revokes.at(-1)!["membrane"], "everything"].includes([revoked].flat()[0]) &&
        exchanges === 1,
    ),
  );
  await agent.destroy();
  await second.end("SIGKILL");
  const tenants = ["tenant", "list", "--data", near, ...database.flags, "--audit", files[0]];
  expect(await runMembrane(tenants, database.env)).toMatchObject({ code: 0 });

  const verify = (...names: readonly string[]) =>
    runMembrane(["audit", "verify", ...names, "--data", near, ...database.flags], database.env);
  expect(await verify(...files)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The audit trail is whole since .* of 3 writers\.$/m),
  });
  const partial = await verify(files[0]);
  expect(partial).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^no line is here of the writer /m),
  });
});
