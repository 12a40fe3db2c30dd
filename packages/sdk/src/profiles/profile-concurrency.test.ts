import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Profile } from "./index.ts";
import { changeProfile, createProfile, listProfiles, readProfile } from "./index.ts";

const BUILT = new URL("../../dist/profiles/index.js", import.meta.url);
const PEM = `${"x".repeat(64)}\n`.repeat(200);

let directory: string;

beforeEach(async () => {
  await access(BUILT);
  directory = await mkdtemp(join(tmpdir(), "capability-profiles-"));
});

afterEach(() => rm(directory, { recursive: true }));

const numbered = (name: string, number: number): Profile => ({
  name,
  capabilities: { create: `c${number}` },
  trustedCA: { h: `${number}\n${PEM}` },
});
const numberIn = (text: string | undefined): number => Number(/\d+/.exec(text ?? "")?.[0] ?? Number.NaN);

/** Runs a script with the built profiles module in a separate process, with `words` as its arguments. */
function run(script: string, words: readonly string[]): ChildProcess {
  const source = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
    import * as profiles from ${JSON.stringify(BUILT.href)};
    const words = process.argv.slice(1);
    ${script}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", source, "--", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Nothing within a process keeps its changes apart: only the lock files do, as between processes. */
test.each([
  [2, 1, 10],
  [2, 4, 3],
])(
  "%i processes with %i writers each that change different profiles at once lose nothing",
  async (processes, writers, changes) => {
    const names = Array.from({ length: processes * writers }, (_, i) => `p${i}`);
    const ended = Array.from({ length: processes }, (_, i) =>
      once(
        run(
          `const [directory, changes, ...names] = words;
         await Promise.all(names.map(async (own) => {
           for (let i = 0; i < Number(changes); i += 1) {
             const trustedCA = { ["h" + i]: own };
             await profiles.changeProfile(directory, { name: own, capabilities: { create: "c" + i }, trustedCA });
             await profiles.createProfile(directory, { name: own + "-" + i, capabilities: {}, trustedCA });
           }
         }));`,
          [directory, String(changes), ...names.slice(i * writers, (i + 1) * writers)],
        ),
        "exit",
      ),
    );
    for (const [code] of await Promise.all(ended)) expect(code).toBe(0);
    expect(await listProfiles(directory)).toHaveLength(names.length * (1 + changes));
    for (const name of names) {
      const read = await readProfile(directory, name);
      expect(read?.capabilities.create).toBe(`c${changes - 1}`);
      expect(Object.keys(read?.trustedCA ?? {})).toHaveLength(changes);
    }
    expect((await readdir(directory)).toSorted()).toEqual(["config", "credentials"]);
  },
);

test.each([
  ["credentials", { name: "a", capabilities: { create: PEM }, trustedCA: { h: "x" } }],
  ["configuration", { name: "a", capabilities: { create: "x" }, trustedCA: { h: PEM } }],
])("without disk space for the %s, neither file is changed and no lock file is left", async (_, profile) => {
  const script = `import * as profiles from ${JSON.stringify(BUILT.href)};
    const [directory, profile] = process.argv.slice(1);
    const { code } = await profiles.createProfile(directory, JSON.parse(profile)).catch((error) => error);
    console.log(code);`;
  // A file may grow to one KiB; the trap keeps the signal for it from ending the process.
  const limited = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
  const node = [
    process.execPath,
    "--input-type=module",
    "--eval",
    script,
    directory,
    JSON.stringify(profile),
  ];
  const child = spawn("bash", ["-c", limited, "bash", ...node], { stdio: ["ignore", "pipe", "inherit"] });
  expect(await text(child.stdout)).toBe("file_system\n");
  expect(await readdir(directory)).toEqual([]);
});

test.each([
  ["before the configuration is in place", "before", 1, 1, 1],
  ["after the configuration is in place", "after", 1, 1, 2],
  ["before the credentials are in place", "before", 2, 1, 2],
  ["after the credentials are in place", "after", 2, 2, 2],
] as const)(
  "a process killed %s leaves each file in its old or new state, and at most its lock files",
  async (_, when, nth, create, certificate) => {
    await createProfile(directory, numbered("a", 1));
    const child = run(
      `const [directory, when, nth, change] = words;
       const rename = fs.promises.rename;
       let calls = 0;
       fs.promises.rename = async (...paths) => {
         calls += 1;
         if (calls === Number(nth) && when === "before") process.kill(process.pid, "SIGKILL");
         await rename(...paths);
         if (calls === Number(nth)) process.kill(process.pid, "SIGKILL");
       };
       syncBuiltinESMExports();
       await profiles.changeProfile(directory, JSON.parse(change));`,
      [directory, when, String(nth), JSON.stringify(numbered("a", 2))],
    );
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    const read = await readProfile(directory, "a");
    expect(read).toEqual({
      name: "a",
      capabilities: { create: `c${create}` },
      trustedCA: { h: `${certificate}\n${PEM}` },
    });
    const locks = (await readdir(directory)).filter((name) => name.endsWith(".lock"));
    for (const lock of locks) await rm(join(directory, lock));
    expect(locks).toEqual(
      [
        when === "before" && nth === 1 && "config.lock",
        (when === "before" || nth === 1) && "credentials.lock",
      ].filter(Boolean),
    );
    await changeProfile(directory, numbered("a", 3));
    expect(await readProfile(directory, "a")).toEqual(numbered("a", 3));
  },
);

test("processes that are killed at any point leave a valid profile, which the next process can change", async () => {
  await createProfile(directory, numbered("a", 1));
  for (let round = 0; round < 6; round += 1) {
    const child = run(
      `for (let i = 2; i < 100_000; i += 1) {
         const trustedCA = { h: i + "\\n" + ${JSON.stringify(PEM)} };
         await profiles.changeProfile(words[0], { name: "a", capabilities: { create: "c" + i }, trustedCA });
         console.log(i);
       }`,
      [directory],
    );
    let lines = 0;
    for await (const _ of createInterface({ input: child.stdout! })) {
      lines += 1;
      if (lines > round) child.kill("SIGKILL");
    }
    const read = await readProfile(directory, "a");
    const [capability, certificate] = [numberIn(read?.capabilities.create), numberIn(read?.trustedCA["h"])];
    expect([capability, capability + 1]).toContain(certificate);
    expect(read).toEqual({ ...numbered("a", capability), trustedCA: numbered("a", certificate).trustedCA });
    for (const lock of ["config.lock", "credentials.lock"]) await rm(join(directory, lock), { force: true });
    await changeProfile(directory, numbered("a", 1));
  }
});
