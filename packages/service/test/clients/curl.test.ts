import { afterAll, beforeAll, expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import type { ClientPage } from "../support/client-page.ts";
import { readClientPage } from "../support/client-page.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";

/* curl and wget, unmodified, as docs/clients/curl.md says. */

let machine: ClientMachine;
let target: TestTarget;
let page: ClientPage;
beforeAll(async () => {
  page = await readClientPage("curl", "api.example");
  machine = await startClientMachine((ca) => ({ CURL_CA_BUNDLE: ca }));
  await machine.write(".wgetrc", `ca_certificate=${machine.ca}\n`);
  target = await startTarget((_request, response) => void response.end("hello"));
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]));

test("each command reaches a path of the target, which gets its own key alone", async () => {
  const { token } = await grant(machine, page.exportBody(target.url));
  const commands = page
    .block("sh", { ...machine, token })
    .trimEnd()
    .split("\n");
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const { code, stdout, stderr } = await machine.run("sh", ["-ec", command]);
    expect([command, code, stdout], stderr).toEqual([command, 0, "hello"]);
  }
  expect(target.requests.map(({ url }) => url)).toEqual(commands.map(() => "/reports/1"));
  expectOwnCredential(target.requests, token, ["x-api-key", "SECRET"]);
});

test("a revoke ends a response that curl is reading, and curl reports it", async () => {
  const isReading = deferred<undefined>();
  await using streaming = await startStreamingTarget((_request, response) => {
    response.write("first");
    isReading.resolve(undefined);
  });
  const { token, revoke: end } = await grant(machine, { uri: streaming.url });
  const args = ["-sSN", "-u", `any:${token}`, `https://${machine.authority}/`];
  const reading = machine.run("curl", args);
  await isReading.promise;
  await revoke(machine, end);
  const { code, stderr } = await reading;
  expect(code).toBeGreaterThan(0);
  expect(stderr).toMatch(/^curl: \(/);
});
