// Writes the bill of materials of a production install, in CycloneDX, to standard output: npm run -s sbom > membrane.cdx.json
import { readBillOfMaterials } from "./packages/read-tree.js";

process.stdout.write(`${JSON.stringify(await readBillOfMaterials(), undefined, 2)}\n`);
