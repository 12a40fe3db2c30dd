import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { startGitBackend } from "./git-backend.ts";

test("a request that git's server refuses before it has read the body gets its response", async () => {
  await using directory = await temporaryDirectory();
  await using backend = await startGitBackend(directory.path, "Basic robot");
  const response = await fetch(new URL("/none.git/git-receive-pack", backend.url), {
    method: "POST",
    headers: { authorization: "Basic robot", "content-type": "application/x-git-receive-pack-request" },
    // More than a pipe holds.
    body: Buffer.alloc(4 * 1_024 * 1_024),
  });
  expect(response.status).toBe(404);
});
