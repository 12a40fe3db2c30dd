import { execFile } from "node:child_process";

/**
 * Runs a program until it ends, and kills it at the deadline.
 *
 * @param {string} program
 * @param {readonly string[]} words
 * @param {{ cwd: string, env?: Readonly<Record<string, string>>, seconds?: number }} options `env` is added to this
 *   process's environment.
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} `output` is everything that was printed.
 */
export function run(program, words, { cwd, env = {}, seconds = 60 }) {
  return new Promise((resolve) => {
    execFile(
      program,
      words,
      {
        cwd,
        env: { ...process.env, ...env },
        timeout: seconds * 1000,
        killSignal: "SIGKILL",
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const reason = error?.killed === true ? `ended after ${seconds} s` : "";
        const output = [stdout, stderr, reason].filter((text) => text !== "").join("\n");
        resolve({ ok: error === null, stdout, output: output.trim() || (error?.message ?? "") });
      },
    );
  });
}
