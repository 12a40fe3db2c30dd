// Which folder or file of packages/service/src may import which: an allow-list. What is not named here imports nothing.

/** Folders and files of `packages/service/src`. A folder does not include its subfolders that are listed separately. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ALLOWED = {
  collections: [],
  net: [],
  http1: ["net"],
  "http1/node": ["http1", "net", "collections", "key-agreement.ts"],
  domain: [],
  store: ["domain", "collections", "private-files.ts"],
  "store/operations": ["store", "domain", "collections"],
  "store/lmdb": ["store", "domain", "collections", "error-code.ts"],
  egress: ["http1", "net", "error-code.ts", "key-agreement.ts"],
  "egress/undici": ["egress", "http1", "collections"],
  invocation: ["domain", "store", "egress", "http1", "net", "collections"],
  http: ["domain", "store", "invocation", "management", "http1", "net", "collections", "telemetry"],
  management: ["domain", "store", "egress", "collections", "pem.ts"],
  telemetry: ["domain", "error-code.ts"],
  tls: ["net", "pem.ts", "private-files.ts"],
  service: [
    "store",
    "egress",
    "egress/undici",
    "http1",
    "http1/node",
    "invocation",
    "management",
    "http",
    "telemetry",
    "net",
    "collections",
    "limit.ts",
    "limits.ts",
    "wall-clock.ts",
  ],
  commands: [
    "service",
    "domain",
    "store",
    "store/lmdb",
    "store/operations",
    "egress",
    "management",
    "telemetry",
    "tls",
    "command.ts",
    "config.ts",
    "config-error.ts",
    "error-code.ts",
    "limit.ts",
    "private-files.ts",
    "wall-clock.ts",
  ],
  "main.ts": ["commands", "telemetry", "cli.ts", "command.ts", "config.ts", "error-code.ts"],
  "cli.ts": [
    "command.ts",
    "config.ts",
    "config-error.ts",
    "flag-checks.ts",
    "limit-flags.ts",
    "unknown-argument.ts",
    "variables.ts",
  ],
  "command.ts": ["config.ts"],
  "config.ts": ["config-error.ts", "limit-flags.ts", "limits.ts", "egress", "net", "service"],
  "flag-checks.ts": ["config-error.ts", "flag-names.ts", "unknown-argument.ts", "variables.ts"],
  "flag-names.ts": ["variables.ts"],
  "limit-flags.ts": ["config-error.ts", "flag-names.ts", "limit.ts", "limits.ts"],
  "limits.ts": ["limit.ts", "collections"],
  "private-files.ts": ["error-code.ts"],
  "unknown-argument.ts": ["flag-names.ts", "variables.ts"],
};

/** Packages and modules of Node that only one folder may import. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ADAPTERS = {
  undici: ["egress/undici"],
  "node:http": ["http1/node", "commands"],
  "node:https": ["http1/node", "commands"],
};

const ROOT = "packages/service/src/";

/**
 * Returns the longest listed folder that contains a file, or else the file's folder. For a file in the root it is the file itself.
 *
 * @param {string} path relative to the root
 */
function layerOf(path) {
  const parts = path.split("/").slice(0, -1);
  for (let length = parts.length; length > 0; length -= 1) {
    const folder = parts.slice(0, length).join("/");
    if (folder in ALLOWED) return folder;
  }
  return parts[0] ?? path;
}

/**
 * @param {string} file relative to the root
 * @param {string} specifier
 * @returns {string | undefined} relative to the root; nothing for a file outside it
 */
function resolve(file, specifier) {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) return undefined;
      parts.pop();
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/**
 * @param {string} file relative to the root
 * @param {string} specifier
 * @returns {string | undefined} the problem
 */
export function forbiddenImport(file, specifier) {
  // A test may import anything that makes its cases, such as an adapter of a port.
  if (file.endsWith(".test.ts")) return undefined;
  const layer = layerOf(file);
  if (!specifier.startsWith(".")) {
    const adapters = ADAPTERS[specifier];
    if (adapters === undefined || adapters.includes(layer)) return undefined;
    return `${specifier} may be imported only in ${adapters.join(", ")}`;
  }
  const allowed = ALLOWED[layer] ?? [];
  const imported = resolve(file, specifier);
  if (imported === undefined) return undefined;
  const target = layerOf(imported);
  if (target === layer || allowed.includes(target)) return undefined;
  return `${layer} may import ${allowed.join(", ") || "no other folder"}, not ${target}`;
}

export const layers = {
  meta: {
    type: "problem",
    docs: { description: "Imports between the folders of the service follow the allow-list" },
  },
  /** @param {any} context */
  create(context) {
    const path = String(context.filename).replaceAll("\\", "/");
    const at = path.lastIndexOf(ROOT);
    if (at === -1) return {};
    const file = path.slice(at + ROOT.length);
    /** @param {any} node */
    const check = (node) => {
      if (typeof node.source?.value !== "string") return;
      const message = forbiddenImport(file, node.source.value);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
