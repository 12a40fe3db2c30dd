// Checks that the links of the documents lead somewhere, and that the files which they name exist.
import { fileURLToPath } from "node:url";
import { documents } from "./documents/files.js";
import { brokenLinks } from "./documents/links.js";
import { missingFiles } from "./documents/named-files.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const all = documents(root);
const problems = missingFiles(root);
for (const document of all) {
  problems.push(...brokenLinks(root, document).map((problem) => `${document}: ${problem}`));
}

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${all.length} documents: links and named files are right.`);
process.exitCode = problems.length === 0 ? 0 : 1;
