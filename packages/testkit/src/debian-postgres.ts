import { readdirSync, statSync } from "node:fs";
import { run } from "./run.ts";

const VERSIONS = "/usr/lib/postgresql";

/** The home directory of the user that Debian's package makes. */
const HOME = "/var/lib/postgresql";

/** Returns the path of a program of Debian's PostgreSQL, of the newest version that is installed. */
export function debianProgram(name: string): string {
  const versions = readdirSync(VERSIONS).filter((version) => /^[0-9]+$/.test(version));
  const newest = Math.max(...versions.map(Number));
  return `${VERSIONS}/${newest}/bin/${name}`;
}

/** Who a server runs as: neither PostgreSQL nor pgbouncer runs as root. */
export function unprivilegedUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const { uid, gid } = statSync(HOME);
  return { uid, gid };
}

/** Runs a program of Debian's PostgreSQL until it ends. @returns what it has printed. */
export async function runDebianProgram(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = {
    ...unprivilegedUser(),
    cwd: "/",
    env: { LC_ALL: "C", PATH: process.env["PATH"], ...env },
  };
  const { code, stdout, stderr } = await run(debianProgram(name), args, options);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}
