import { existsSync, readFileSync } from "node:fs";

/** The documents that guide a newcomer through the code, and the folders that paths in them may be relative to. */
const GUIDES = new Map([
  ["CONTRIBUTING.md", [""]],
  ["docs/architecture.md", ["", "packages/service/src/", "packages/"]],
]);

/**
 * Lists the source files that a guide names and that do not exist.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function missingFiles(root) {
  return Array.from(GUIDES).flatMap(([document, places]) => {
    const text = readFileSync(root + document, "utf8");
    const names = Array.from(text.matchAll(/`([\w./-]+(?:\.ts|\.js|\/))`/g), ([, name = ""]) => name);
    return names
      .filter((name) => !places.some((place) => existsSync(root + place + name)))
      .map((name) => `${document}: ${name}: no such file; correct the page where the file moved`);
  });
}
