// Writes the generated parts of the documents: pictures in light and dark, and the tables of the sizing page, of the limits and of the metrics.
import { fileURLToPath } from "node:url";
import { writeGenerated } from "./documents/generated.js";

const problem = writeGenerated(fileURLToPath(new URL("..", import.meta.url)));
if (problem !== undefined) {
  console.error(`${problem}. All other pages were written.`);
  process.exitCode = 1;
}
