// Where packages/service/src may parse a URL: an allow-list. Two parsers of one target would be two hosts.

/** Files, relative to packages/service/src, and what they parse, which is no target. */
/** @type {Readonly<Record<string, string>>} */
const ALLOWED = {
  "main.ts": "the URL of its own module, to find package.json",
  "invocation/references.ts": "references in a target's response",
};

const MODULES = new Set(["node:url", "url"]);

const ROOT = "packages/service/src/";

export const urlParsing = {
  meta: {
    type: "problem",
    docs: { description: "The URI of a target is parsed by capability-protocol alone" },
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
        message: "A target's URI is parsed by parseTargetUri, readTargetUri and originOfAuthority alone.",
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
