import { expect, test } from "vitest";
import { CONFIG, createVitestProject } from "../support/vitest-run.ts";

test("a process of tests that is killed is named with its signal, and the file that it ran with the test begun last", async () => {
  await using project = await createVitestProject();
  const pidFile = JSON.stringify(`${project.path}/pid`);
  // Kills the process once the run knows of the test: a process reports some time later what it has begun.
  const config = await project.write(
    "vitest.config.ts",
    `import { readFileSync } from "node:fs";
     import config from ${JSON.stringify(CONFIG)};
     const killer = {
       onTestCaseReady({ fullName }) {
         if (fullName === "waits") process.kill(Number(readFileSync(${pidFile}, "utf8")), "SIGSEGV");
       },
     };
     export default { test: { ...config.test, reporters: [...config.test.reporters, killer] } };`,
  );
  const name = "packages/any/src";
  const ends = await project.write(
    `${name}/ends.test.ts`,
    'import { test } from "vitest"; test("a", () => {});',
  );
  // Of two tests at once, the end of one makes vitest report the beginning of the other: its throttle drops for good what begins in the
  // very millisecond of a report, unless something happens later.
  const killed = await project.write(
    `${name}/killed.test.ts`,
    `import { writeFileSync } from "node:fs";
     import { test } from "vitest";
     writeFileSync(${pidFile}, String(process.pid));
     test.concurrent("passes", () => new Promise((resolve) => setTimeout(resolve, 300)));
     test.concurrent("waits", () => new Promise(() => {}));`,
  );
  const { code, output } = await project.run(config);
  expect(code).toBe(1);
  // The output is the message too: of a long one, an assertion shows only the beginning.
  expect(output, output).toMatch(
    /A process of tests ended unexpectedly: process \d+, code null, signal SIGSEGV\./,
  );
  const [, left] = output.split("Test files that did not end:");
  expect(left).toContain(`unit ${killed}; test begun last: waits`);
  expect(left).not.toContain(ends);
});
