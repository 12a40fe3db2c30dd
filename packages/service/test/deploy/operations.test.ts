import { afterAll, beforeAll, expect, test } from "vitest";
import type { BootedSystem } from "../../../testkit/src/booted-system.ts";
import { bootSystem } from "../../../testkit/src/booted-system.ts";
import { documentedCommands, documentedSteps } from "../../../testkit/src/documented-commands.ts";

/*
 * What docs/operations.md tells an operator to do, from its first command to its last, each of which finds what those before have left.
 */

const steps = await documentedSteps("docs/operations.md");

/** What the page takes for granted: a name that leads here, a newer version, and a log with a capability. */
const GIVEN = `
echo 127.0.0.1 membrane.example >> /etc/hosts
ln -s /opt/membrane /opt/membrane-next
echo CPBLTY1-${"A".repeat(86)} > /var/log/nginx/access.log
`;

let system: BootedSystem;

beforeAll(async () => {
  system = await bootSystem();
  await system.script(await documentedCommands("docs/deployment.md", "systemd"));
  await system.script(GIVEN);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

test.each(steps)("$heading the commands do what the page says", async ({ commands, output }) => {
  const printed = await system.script(commands);
  if (output !== undefined) expect(printed).toBe(output);
});

test("the page shows commands in each part of an operator's work", () => {
  expect(steps.length).toBeGreaterThan(10);
});
