import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { run } from "../../../testkit/src/run.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";

const SDK = fileURLToPath(new URL("../../", import.meta.url));

export interface ScriptOptions {
  /** The module format of the script. */
  readonly type: "commonjs" | "module";
  /** PEM that is trusted in addition to the well-known CAs. */
  readonly extraCa?: string;
  /** PEM that is written to `ca.pem` in the script's directory. */
  readonly ca?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program that has the built package installed, in a separate project and home directory. */
export async function runScript(source: string, options: ScriptOptions): Promise<ProcessResult> {
  await using project = await temporaryDirectory();
  const script = join(project.path, options.type === "module" ? "script.mjs" : "script.cjs");
  await mkdir(join(project.path, "node_modules"));
  await symlink(SDK, join(project.path, "node_modules", "capability-sdk"));
  await writeFile(script, source);
  if (options.ca !== undefined) await writeFile(join(project.path, "ca.pem"), options.ca);
  const extraCa = join(project.path, "extra-ca.pem");
  if (options.extraCa !== undefined) await writeFile(extraCa, options.extraCa);
  // Awaited, since the directory is removed when this function ends.
  return await run(process.execPath, [...(options.flags ?? []), script], {
    cwd: project.path,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: project.path,
      ...(options.extraCa === undefined ? {} : { NODE_EXTRA_CA_CERTS: extraCa }),
      ...options.env,
    },
  });
}
