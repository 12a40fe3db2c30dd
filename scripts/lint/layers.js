// Which folder or file of packages/service/src and packages/protocol/src may import which: an allow-list. What is not named here
// imports nothing.

/** Folders and files of a package. A folder does not include its subfolders that are listed separately. */
/** @typedef {Readonly<Record<string, readonly string[]>>} Layers */

/** @type {Layers} */
const SERVICE = {
  collections: [],
  net: [],
  tracing: [],
  http1: ["net", "tracing"],
  "http1/llhttp": ["collections"],
  "http1/native": ["http1", "http1/llhttp", "http1/node", "http1/shared", "collections", "wall-clock.ts"],
  "http1/node": ["http1", "http1/shared", "net", "collections", "key-agreement.ts"],
  "http1/shared": ["http1", "collections"],
  domain: ["collections"],
  store: ["domain", "collections", "error-code.ts", "random-bytes.ts", "private-files.ts"],
  "store/operations": ["store", "domain", "collections"],
  "store/lease": ["domain"],
  "store/lmdb": ["store", "domain", "collections", "error-code.ts", "private-files.ts"],
  "store/postgres": [
    "store",
    "store/lease",
    "store/postgres/config",
    "domain",
    "collections",
    "error-code.ts",
    "wall-clock.ts",
  ],
  "store/postgres/config": ["error-code.ts", "pem.ts"],
  egress: ["http1", "net", "error-code.ts", "key-agreement.ts"],
  "egress/undici": ["egress", "http1", "collections"],
  "egress/client": ["egress", "http1", "http1/llhttp", "collections"],
  invocation: ["domain", "store", "egress", "http1", "net", "collections", "tracing"],
  http: [
    "audit",
    "domain",
    "store",
    "invocation",
    "management",
    "http1",
    "net",
    "collections",
    "telemetry",
    "tracing",
  ],
  management: ["audit", "domain", "store", "egress", "collections", "error-code.ts", "pem.ts"],
  telemetry: ["domain", "collections", "error-code.ts"],
  audit: ["domain", "collections", "telemetry", "error-code.ts", "private-files.ts"],
  tls: ["net", "pem.ts", "private-files.ts"],
  service: [
    "audit",
    "domain",
    "store",
    "egress",
    "egress/client",
    "egress/undici",
    "http1",
    "http1/llhttp",
    "http1/native",
    "http1/node",
    "invocation",
    "management",
    "http",
    "telemetry",
    "tracing",
    "net",
    "collections",
    "flag-names.ts",
    "random-bytes.ts",
    "service-limit.ts",
    "service-limits.ts",
    "wall-clock.ts",
  ],
  commands: [
    "audit",
    "service",
    "domain",
    "collections",
    "net",
    "store",
    "store/lmdb",
    "store/operations",
    "store/postgres",
    "store/postgres/config",
    "egress",
    "management",
    "telemetry",
    "tracing",
    "tls",
    "command.ts",
    "config.ts",
    "config-error.ts",
    "error-code.ts",
    "service-limit.ts",
    "store-config.ts",
    "trace-config.ts",
    "move-place.ts",
    "private-files.ts",
    "wall-clock.ts",
  ],
  "main.ts": ["commands", "telemetry", "cli.ts", "command.ts", "config.ts", "error-code.ts"],
  "cli.ts": [
    "command.ts",
    "command-flags.ts",
    "config.ts",
    "config-error.ts",
    "flag-checks.ts",
    "flag-values.ts",
    "move-place.ts",
    "serve-flags.ts",
    "service-limit-flags.ts",
    "store-config.ts",
    "unknown-argument.ts",
    "variables.ts",
  ],
  "command.ts": ["config.ts", "move-place.ts"],
  "config.ts": [
    "config-error.ts",
    "service-limit-flags.ts",
    "service-limits.ts",
    "store-config.ts",
    "trace-config.ts",
    "egress",
    "net",
    "service",
  ],
  "flag-checks.ts": ["config-error.ts", "flag-names.ts", "unknown-argument.ts", "variables.ts"],
  "flag-names.ts": ["variables.ts"],
  "flag-values.ts": ["config.ts", "config-error.ts"],
  "serve-flags.ts": ["config.ts", "service-limit-flags.ts"],
  "command-flags.ts": ["serve-flags.ts"],
  "service-limit-flags.ts": [
    "config-error.ts",
    "flag-names.ts",
    "lease-limits.ts",
    "service-limit.ts",
    "service-limits.ts",
  ],
  "service-limits.ts": [
    "client-limits.ts",
    "invocation-limits.ts",
    "lease-limits.ts",
    "service-limit.ts",
    "collections",
    "store/lease",
  ],
  "client-limits.ts": [],
  "invocation-limits.ts": [],
  "lease-limits.ts": ["service-limit.ts", "store/lease"],
  "move-place.ts": ["config-error.ts", "store-config.ts", "store/postgres/config"],
  "store-config.ts": [
    "config-error.ts",
    "flag-names.ts",
    "service-limits.ts",
    "store/lease",
    "store/postgres/config",
  ],
  "trace-config.ts": ["config-error.ts"],
  "private-files.ts": ["error-code.ts"],
  "unknown-argument.ts": ["flag-names.ts", "variables.ts"],
};

/** @type {Layers} */
const PROTOCOL = {
  json: ["result.ts"],
  openings: ["json", "bounds.ts", "http-syntax.ts", "result.ts"],
  limits: ["openings", "json", "address.ts", "bounds.ts", "http-syntax.ts", "operation.ts", "result.ts"],
  signers: ["base64url.ts", "http-syntax.ts", "result.ts"],
  api: [
    "limits",
    "openings",
    "signers",
    "json",
    "authority.ts",
    "bounds.ts",
    "http-syntax.ts",
    "result.ts",
    "uri.ts",
    "url.ts",
  ],
  "authority.ts": ["url.ts"],
  "token.ts": ["base64url.ts"],
  "uri.ts": ["authority.ts", "base64url.ts", "result.ts", "token.ts"],
  "index.ts": [
    "api",
    "json",
    "limits",
    "openings",
    "signers",
    "address.ts",
    "authority.ts",
    "base64url.ts",
    "http-syntax.ts",
    "operation.ts",
    "payload.ts",
    "result.ts",
    "token.ts",
    "uri.ts",
  ],
};

/** @type {Readonly<Record<string, Layers>>} */
const PACKAGES = { "packages/service/src/": SERVICE, "packages/protocol/src/": PROTOCOL };

/** Packages and modules of Node that only one folder may import. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ADAPTERS = {
  lmdb: ["store/lmdb"],
  postgres: ["store/postgres"],
  undici: ["egress/undici"],
  "node:http": ["http1/node", "http1/shared", "commands"],
  "node:https": ["http1/node", "commands"],
};

/**
 * Returns the longest listed folder that contains a file, or else the file's folder. For a file in the root it is the file itself.
 *
 * @param {Layers} layers
 * @param {string} path relative to the root
 */
function layerOf(layers, path) {
  const parts = path.split("/").slice(0, -1);
  for (let length = parts.length; length > 0; length -= 1) {
    const folder = parts.slice(0, length).join("/");
    if (folder in layers) return folder;
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
 * @param {Layers} layers
 * @param {string} file relative to the root
 * @param {string} specifier
 * @returns {string | undefined} the problem
 */
function forbiddenImport(layers, file, specifier) {
  // A test may import anything that makes its cases, such as an adapter of a port.
  if (file.endsWith(".test.ts")) return undefined;
  const layer = layerOf(layers, file);
  if (!specifier.startsWith(".")) {
    const adapters = ADAPTERS[specifier];
    if (adapters === undefined || adapters.includes(layer)) return undefined;
    return `${specifier} may be imported only in ${adapters.join(", ")}`;
  }
  const allowed = layers[layer] ?? [];
  const imported = resolve(file, specifier);
  if (imported === undefined) return undefined;
  const target = layerOf(layers, imported);
  if (target === layer || allowed.includes(target)) return undefined;
  return `${layer} may import ${allowed.join(", ") || "no other folder"}, not ${target}`;
}

export const layers = {
  meta: {
    type: "problem",
    docs: { description: "Imports between the folders of a package follow the allow-list" },
  },
  /** @param {any} context */
  create(context) {
    const path = String(context.filename).replaceAll("\\", "/");
    const [root, layers] = Object.entries(PACKAGES).find(([name]) => path.includes(name)) ?? [];
    if (root === undefined || layers === undefined) return {};
    const file = path.slice(path.lastIndexOf(root) + root.length);
    /** @param {any} node */
    const check = (node) => {
      if (typeof node.source?.value !== "string") return;
      const message = forbiddenImport(layers, file, node.source.value);
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
