import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Lists the links of a document whose file or heading does not exist.
 *
 * @param {string} root
 * @param {string} document
 * @returns {string[]}
 */
export function brokenLinks(root, document) {
  const text = readFileSync(root + document, "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/(?:src|srcset|href)="([^"\s]+)"/g)];
  return links.flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = "", anchor] = link.split("#", 2);
    const file = path === "" ? document : join(dirname(document), path);
    if (!existsSync(root + file)) return [`${link}: no such file`];
    if (anchor === undefined || statSync(root + file).isDirectory()) return [];
    return headings(readFileSync(root + file, "utf8")).has(anchor) ? [] : [`${link}: no such heading`];
  });
}

/**
 * Returns the anchors that GitHub makes from a document's headings.
 *
 * @param {string} text
 */
function headings(text) {
  return new Set(
    Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}
