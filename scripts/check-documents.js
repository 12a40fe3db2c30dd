// Checks the documents: the targets of links and the named files exist, generated parts are up to date, and unwanted words are
// absent.
import { fileURLToPath } from "node:url";
import { documents } from "./documents/files.js";
import { brokenLinks } from "./documents/links.js";
import { missingFiles } from "./documents/named-files.js";
import { unwantedWords } from "./documents/words.js";
import { staleFiles } from "./documents/generated.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const all = documents(root);
const problems = [...missingFiles(root), ...staleFiles(root)];
for (const document of all) {
  const found = [...brokenLinks(root, document), ...unwantedWords(root, document)];
  problems.push(...found.map((problem) => `${document}: ${problem}`));
}

for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log(`${all.length} documents: links, named files and generated parts are right.`);
process.exitCode = problems.length === 0 ? 0 : 1;
