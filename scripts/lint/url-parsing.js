// The files of packages/service/src that may parse a URL: an allow-list, since two parsers could find two hosts in a target.

/** Files, relative to packages/service/src, and the URLs that they parse, which are not targets. */
/** @type {Readonly<Record<string, string>>} */
const ALLOWED = {
  "main.ts": "the URL of the module, to find package.json",
  "trace-config.ts": "where the operator's collector of traces is",
  "invocation/references.ts": "references in a target's response",
};

const MODULES = new Set(["node:url", "url"]);

const ROOT = "packages/service/src/";

export const urlParsing = {
  meta: {
    type: "problem",
    docs: { description: "Only capability-protocol parses the URI of a target" },
  },
  /** @param {any} context */
  create(context) {
    const path = String(context.filename).replaceAll("\\", "/");
    const at = path.lastIndexOf(ROOT);
    if (at === -1 || path.slice(at + ROOT.length) in ALLOWED) return {};
    /** @param {any} node */
    const report = (node) =>
      context.report({
        node,
        message: "Only parseTargetUri, readTargetUri and originOfAuthority may parse a target's URI.",
      });
    return {
      /** @param {any} node */
      NewExpression: ({ callee }) => {
        if (isUrl(callee)) report(callee);
      },
      /** @param {any} node */
      MemberExpression: ({ object }) => {
        if (isUrl(object)) report(object);
      },
      /** @param {any} node */
      ImportDeclaration: (node) => {
        if (MODULES.has(node.source.value)) report(node);
      },
    };
  },
};

/** @param {any} node `URL`, or `globalThis.URL` */
function isUrl(node) {
  if (node.type === "Identifier") return node.name === "URL";
  return node.type === "MemberExpression" && node.property?.name === "URL";
}
