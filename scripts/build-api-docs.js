// Writes the API documentation of the SDK and the protocol into docs/api: npm run docs.
// typedoc and its TypeScript are pinned in scripts/docs/package-lock.json. It needs an API that TypeScript 7 does not have, so
// it reads the sources with TypeScript 5.9.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCS = join(ROOT, "scripts/docs");

if (!existsSync(join(DOCS, "node_modules"))) {
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: DOCS, stdio: "inherit" });
}
execFileSync(
  process.execPath,
  [
    join(DOCS, "node_modules/typedoc/bin/typedoc"),
    "--options",
    join(DOCS, "typedoc.json"),
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: "inherit" },
);
