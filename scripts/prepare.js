// npm runs this after an install in a checkout. It builds if the compiler is installed; a production install (npm ci --omit=dev) has
// no compiler and uses an earlier build.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const program = fileURLToPath(new URL("../packages/service/dist/main.js", import.meta.url));

if (existsSync(compiler)) {
  process.exitCode = spawnSync(process.execPath, [compiler, "-b"], { stdio: "inherit" }).status ?? 1;
} else if (!existsSync(program)) {
  console.error(
    "Not built yet: copy packages/*/dist from a built checkout, or install all packages with npm ci.",
  );
}
