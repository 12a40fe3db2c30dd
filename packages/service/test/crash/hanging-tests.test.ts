import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CONFIG, createVitestProject } from "../support/vitest-run.ts";

const [REPORTER, RUNNING] = ["file-deadline.ts", "running-tests.ts"].map((name) =>
  fileURLToPath(new URL(`../../../../scripts/${name}`, import.meta.url)),
);

const configOf = (deadlineMs: number): string => `
  import { fileDeadline } from ${JSON.stringify(REPORTER)};
  import { runningTests } from ${JSON.stringify(RUNNING)};
  const running = runningTests();
  const reporters = ["default", running, fileDeadline(running, ${deadlineMs})];
  export default { test: { include: ["*.test.ts"], testTimeout: 500, reporters } };`;

test.each([
  [
    "whose test blocks its process after it started another one",
    `import { spawn } from "node:child_process";
     import { test } from "vitest";
     test("blocks", () => {
       spawn("sleep", ["1000"]);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
  ],
  [
    "that waits outside its tests",
    `import { test } from "vitest";
     test("passes", () => {});
     await new Promise(() => {});`,
  ],
])("a test file %s ends the run with its name, and no process is left", async (_what, text) => {
  await using project = await createVitestProject();
  const config = await project.write("vitest.config.ts", configOf(1_000));
  const file = await project.write("hangs.test.ts", text);
  const { code, output, left } = await project.run(config);
  expect(output).toContain(`${file} did not end within 1 s`);
  expect([code, left]).toEqual([1, []]);
});

test("a test file that ends within its deadline does not end the run", async () => {
  await using project = await createVitestProject();
  const config = await project.write("vitest.config.ts", configOf(60_000));
  await project.write("ends.test.ts", 'import { test } from "vitest"; test("passes", () => {});');
  const { code, output, left } = await project.run(config);
  expect(output).toContain("1 passed");
  expect([code, left]).toEqual([0, []]);
});

test.each([1, 2])("with --maxWorkers=%i that many test files run at a time", async (workers) => {
  await using project = await createVitestProject();
  for (const name of ["a", "b"]) {
    await project.write(
      `packages/any/src/${name}.test.ts`,
      `import { test } from "vitest";
       console.log("in worker " + process.env["VITEST_POOL_ID"]);
       test("passes", () => {});`,
    );
  }
  const { code, output } = await project.run(CONFIG, `--maxWorkers=${workers}`);
  expect(code).toBe(0);
  const used = new Set(Array.from(output.matchAll(/in worker (\d+)/g), ([, id]) => Number(id)));
  expect(used).toEqual(new Set(workers === 1 ? [1] : [1, 2]));
});
