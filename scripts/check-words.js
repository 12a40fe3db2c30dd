// Finds words that this repository does not use in code, comments, test titles and documents, and names the word to use instead:
// each concept has one word, that of RFC 9110, Node.js, nginx or AWS.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { IDENTIFIERS, PHRASES, WORDS } from "./words/table.js";
import { findWords, identifierRule, phraseRule, wordRule } from "./words/find.js";

/** The files to check, except the table of words itself. */
const FOLDERS = ["packages", "docs", "bench", "scripts", "examples", "deploy", ".ci"];
const DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];
const TABLE = "scripts/words/table.js";
const TEXT = /\.(?:[cm]?[jt]s|md|json|sh|conf|html|ya?ml)$|\.ci\/run$/;

/** Values in other vendors' protocols, and the former names of log events, which are not checked. */
const LITERALS = /x-amz-request-payer: requester|`answer broken off`|`requester left`/g;

const root = fileURLToPath(new URL("..", import.meta.url));
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...FOLDERS, ...DOCUMENTS],
  {
    cwd: root,
  },
)
  .toString()
  .trim()
  .split("\n")
  .filter((file) => TEXT.test(file) && file !== TABLE);

const rules = [
  ...Object.entries(WORDS).map(([word, use]) => wordRule(word, use)),
  ...Object.entries(PHRASES).map(([phrase, use]) => phraseRule(phrase, use)),
  ...Object.entries(IDENTIFIERS).map(([name, use]) => identifierRule(name, use)),
];
let count = 0;
for (const file of files) {
  for (const { line, word, use } of findWords(
    readFileSync(root + file, "utf8").replaceAll(LITERALS, ""),
    rules,
  )) {
    console.error(`${file}:${line}: "${word}": write ${use}`);
    count += 1;
  }
}
if (count === 0)
  console.log(`${files.length} files use none of ${rules.length} words that have a better one.`);
process.exitCode = count === 0 ? 0 : 1;
