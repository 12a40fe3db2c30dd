import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./pack.js";
import { productionTree } from "./production-tree.js";
import { billOfMaterials } from "./sbom.js";

/** The packages of a production install, as package-lock.json has them. */
export async function readTree() {
  /** @type {{ packages: import("./production-tree.js").Lock }} */
  const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  return productionTree(packages);
}

/** The bill of materials of a production install. */
export async function readBillOfMaterials() {
  /** @type {{ name: string, version: string, description: string, license: string }} */
  const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return billOfMaterials(await readTree(), manifest);
}
