import { createHash } from "node:crypto";

/** @import { Needed } from "./production-tree.js" */

/**
 * Writes the bill of materials of a production install, in CycloneDX 1.6. One commit has one bill: it has neither a time nor a random
 * number.
 *
 * @param {ReadonlyMap<string, Needed>} tree of the programs, by path in the lock file.
 * @param {{ name: string, version: string, description: string, license: string }} product
 */
export function billOfMaterials(tree, { name, version, description, license }) {
  const purls = new Map(Array.from(tree, ([path, needed]) => [path, purlOf(needed)]));
  /** @param {readonly string[]} paths */
  const refs = (paths) => unique(paths.map((path) => purls.get(path) ?? path));
  const product = {
    type: "application",
    "bom-ref": name,
    name,
    version,
    description,
    licenses: licenses(license),
  };
  // A package that is in several places of the lock file is one component.
  const components = new Map(Array.from(tree.values(), (needed) => [purlOf(needed), componentOf(needed)]));
  /** @type {Map<string, string[]>} */
  const dependencies = new Map();
  for (const [path, { needs }] of tree) {
    const ref = purls.get(path) ?? path;
    dependencies.set(ref, unique([...(dependencies.get(ref) ?? []), ...refs(needs)]));
  }
  const programs = refs(Array.from(tree.keys()).filter((path) => !path.includes("node_modules/")));
  const body = {
    metadata: { lifecycles: [{ phase: "build" }], component: product },
    components: Array.from(components.values()),
    dependencies: [
      { ref: name, dependsOn: programs },
      ...Array.from(dependencies, ([ref, dependsOn]) => ({ ref, dependsOn })),
    ],
  };
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
    version: 1,
    ...body,
  };
}

/** @param {Needed} needed */
function componentOf(needed) {
  const { name, version, license, integrity, isOptional } = needed;
  const [group, own] = name.startsWith("@") ? name.split("/", 2) : [undefined, name];
  return {
    type: "library",
    "bom-ref": purlOf(needed),
    ...(group === undefined ? {} : { group }),
    name: own,
    version,
    scope: isOptional ? "optional" : "required",
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    licenses: licenses(license),
    purl: purlOf(needed),
  };
}

/** @param {string} id */
function licenses(id) {
  return [{ license: { id } }];
}

/** @param {string} integrity as npm writes it: an algorithm, and the digest in base64 */
function hashOf(integrity) {
  const [algorithm, digest = ""] = integrity.split("-", 2);
  if (algorithm !== "sha512") throw new Error(`expected a digest of SHA-512: ${integrity}`);
  return { alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") };
}

/** @param {Needed} needed */
function purlOf({ name, version }) {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

/** @param {readonly string[]} texts */
function unique(texts) {
  return [...new Set(texts)].toSorted();
}

/** A UUID of version 8 (RFC 9562), whose bits are those of a digest. @param {string} text */
function uuidOf(text) {
  const digest = createHash("sha256").update(text).digest("hex");
  const groups = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `a${digest.slice(17, 20)}`,
  ];
  return [...groups, digest.slice(20, 32)].join("-");
}
