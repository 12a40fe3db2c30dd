// Words that select test files by parts of their paths. vitest runs what the others select and says nothing of one that selects none, such
// as the name that a file had before it was renamed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/**
 * Ends the process with 1 if one of the words selects no test file, and names each such word.
 *
 * @param {string} root
 * @param {readonly string[]} projects the arguments of vitest that choose projects.
 * @param {readonly string[]} words
 */
export function expectFiles(root, projects, words) {
  if (words.length === 0) return;
  const args = ["list", "--filesOnly", "--json", ...projects, ...words];
  const listed = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (listed.status !== 0) process.exit(1);
  /** @type {readonly { readonly file: string }[]} */
  const files = JSON.parse(listed.stdout.toString());
  const unmatched = words.filter((word) =>
    files.every(({ file }) => !file.toLowerCase().includes(word.toLowerCase())),
  );
  for (const word of unmatched) console.error(`no test file of these projects has ${word} in its path`);
  if (unmatched.length > 0) process.exit(1);
}
