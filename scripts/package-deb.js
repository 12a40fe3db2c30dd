// Builds the package for Debian: npm run package:deb [-- --output DIRECTORY] [--version VERSION]. The variables DEBFULLNAME and DEBEMAIL
// name its maintainer, and SOURCE_DATE_EPOCH the time of its files, by default that of the last commit.
import { execFileSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { buildDeb } from "./debian/build.js";
import { ROOT } from "./packages/pack.js";

// Packages of Debian have no directories that are closed to others.
process.umask(0o022);
/** @type {{ version: string }} */
const manifest = JSON.parse(await readFile(`${ROOT}packages/service/package.json`, "utf8"));
const { values } = parseArgs({
  options: {
    output: { type: "string", default: "." },
    version: { type: "string", default: manifest.version },
  },
});
const { DEBFULLNAME: name = "Membrane Service", DEBEMAIL: address = "membrane@localhost" } = process.env;
const committed = () => execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT }).toString();
const epoch = Number(process.env["SOURCE_DATE_EPOCH"] ?? committed());
await mkdir(values.output, { recursive: true });
console.log(await buildDeb({ ...values, maintainer: `${name} <${address}>`, epoch }));
