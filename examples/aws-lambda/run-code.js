import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** @typedef {{ exitCode: number | null, stdout: string, stderr: string }} Outcome */

const DEADLINE_MS = 60_000;

/** The directory in which packages of this repository can be imported by name. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @type {Readonly<Record<"bash" | "node", { file: string, words: string[] }>>} */
const INTERPRETERS = {
  bash: { file: "bash", words: ["-s"] },
  node: { file: process.execPath, words: ["-"] },
};

/**
 * Runs code as if a reader had pasted it.
 *
 * @param {"bash" | "node"} language
 * @param {string} code
 * @param {Readonly<Record<string, string>>} environment
 * @returns {Promise<Outcome>}
 */
export async function runCode(language, code, environment) {
  const { file, words } = INTERPRETERS[language];
  const child = spawn(file, words, {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
    timeout: DEADLINE_MS,
  });
  const closed = once(child, "close");
  child.stdin.end(`${code}\n`);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { exitCode: child.exitCode, stdout, stderr };
}
