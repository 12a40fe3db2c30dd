import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { readBillOfMaterials } from "./read-tree.js";

const LIBRARY = "@cyclonedx/cyclonedx-library/package.json";
/** The schema of CycloneDX, and those that it refers to. */
const SCHEMAS = ["bom-1.6", "spdx", "jsf-0.82"];

/**
 * Checks the bill of materials against the schema of CycloneDX, and that two are the same.
 *
 * @returns {Promise<{ problems: string[], components: number }>}
 */
export async function checkBillOfMaterials() {
  const [bill, again] = [await readBillOfMaterials(), await readBillOfMaterials()];
  const [main, ...others] = await Promise.all(SCHEMAS.map(readSchema));
  // Formats, such as those of dates and addresses, need another package.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  for (const [index, schema] of others.entries())
    ajv.addSchema(schema, `http://cyclonedx.org/schema/${SCHEMAS[index + 1]}.SNAPSHOT.schema.json`);
  const validate = ajv.compile(main ?? {});
  const isValid = validate(bill);
  const errors = isValid
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const isSame = JSON.stringify(bill) === JSON.stringify(again);
  return {
    problems: [...errors, ...(isSame ? [] : ["two bills of one commit differ"])],
    components: bill.components.length,
  };
}

/** @param {string} name @returns {Promise<object>} */
async function readSchema(name) {
  // The package exports no schema: its manifest says where they are.
  const manifest = createRequire(import.meta.url).resolve(LIBRARY);
  return JSON.parse(
    await readFile(new URL(`res/schema/${name}.SNAPSHOT.schema.json`, `file://${manifest}`), "utf8"),
  );
}
