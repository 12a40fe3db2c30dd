import { stringify } from "yaml";
import { FORWARDABLE_METHODS } from "../../packages/protocol/dist/http-syntax.js";
import { TOKEN_HEADERS } from "../../packages/protocol/dist/index.js";
import { isKind } from "../../packages/service/dist/domain/capability.js";
import { PUBLIC_ROUTES } from "../../packages/service/dist/http/routes.js";
import { OPERATIONS } from "../../packages/service/dist/management/operations.js";
import { HEADERS, errorResponses, refTo, success } from "./openapi/responses.js";
import { PARAMETERS, QUERY_PARAMETERS, SCHEMAS } from "./openapi/schemas.js";

/** @typedef {import("../../packages/service/dist/http/error-table.js").Purpose} Purpose */
/** @typedef {import("../../packages/service/dist/domain/capability.js").ServiceKind} ServiceKind */

/** The methods that a path item can have. */
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

const INFO = [
  "There is one endpoint. The capability whose token is in a request decides what the request does. So the paths below have a name after `#`, which is not sent: `/#create` is a request to `/` with a `create` capability. [http-api.md](http-api.md) is the reference in words; this document is made from the same tables as the service, and a test compares both.",
  "With the capability of a path `/#NAME`, any other path is the 404 `path_not_found`, and any method that is not here a 405 `method_not_allowed`, whose `Allow` names those that are.",
  "An error of the service in place of a target's response has `Proxy-Status: membrane; …`, except a 401; without it, the response is the target's. An error that comes before the capability is known has it for every path. A response to HEAD has no body.",
].join("\n\n");

/** What each operation of the service itself does. */
/** @type {Readonly<Record<ServiceKind, { summary: string, success: readonly [status: number, description: string, schema: string], body?: object }>>} */
const MANAGEMENT = {
  create: {
    summary: "Creates a membrane",
    success: [201, "The membrane with its two capabilities.", "Membrane"],
    body: refTo("schemas", "NewName"),
  },
  query: {
    summary: "Lists the membranes of the tenant that are alive, with their capabilities",
    success: [200, "A page of membranes.", "MembranePage"],
  },
  deleteSelf: {
    summary: "Revokes the tenant, and with it all that it owns",
    success: [202, "It is revoked, and so is all that descends from it.", "Accepted"],
  },
  export: {
    summary: "Exports a target, or re-exports a capability",
    success: [201, "The new capability.", "Exported"],
    body: refTo("schemas", "Export"),
  },
  revoke: {
    summary: "Revokes the membrane, and with it all that went through it",
    success: [202, "It is revoked, now or already.", "Accepted"],
  },
  provision: {
    summary: "Creates a tenant",
    success: [201, "The tenant with its capabilities.", "Tenant"],
    body: refTo("schemas", "NewName"),
  },
};

/** @type {Readonly<Record<string, readonly [status: number, response: object]>>} */
const PUBLIC_SUCCESS = {
  health: [200, success("The process runs.", "Alive")],
  readiness: [200, success("It can serve now.", "Ready")],
  preflight: [
    204,
    {
      description: "The response to a CORS preflight.",
      headers: Object.fromEntries(
        ["Origin", "Methods", "Headers"]
          .map((name) => `Access-Control-Allow-${name}`)
          .concat("Access-Control-Max-Age", "X-Request-Id")
          .map((name) => [name, refTo("headers", name)]),
      ),
    },
  ],
};

/** The kinds of capabilities of the service itself. */
const SERVICE_KINDS = Object.keys(OPERATIONS)
  .filter(isKind)
  .filter((kind) => kind !== "invoke");

const ERROR_RESPONSES = errorResponses([
  ...SERVICE_KINDS,
  "invoke",
  ...PUBLIC_ROUTES.map(({ name }) => name),
]);

const TARGET_RESPONSE = { description: "The response of the target.", content: { "*/*": {} } };

/** The kinds of capabilities, whose tokens are all bearer tokens. */
const SECURITY = Object.fromEntries(
  [...Object.keys(OPERATIONS), "exported"].map((kind) => [
    kind,
    {
      type: "http",
      scheme: "bearer",
      bearerFormat: "CPBLTY1",
      description:
        kind === "exported" ? "An exported capability." : `A capability \`${kind}\`, or a re-export of one.`,
    },
  ]),
);

/** Where existing clients put a key; any capability can be there. */
const OTHER_CARRIERS = Object.fromEntries([
  [
    "basic",
    { type: "http", scheme: "basic", description: "The token as password, or as user; not from browsers." },
  ],
  ...TOKEN_HEADERS.filter((name) => name !== "authorization").map((name) => [
    name,
    { type: "apiKey", in: "header", name },
  ]),
]);

/** References to the errors of a purpose. @param {Purpose} purpose */
function errorRefs(purpose) {
  const found = ERROR_RESPONSES.filter(({ purposes }) => purposes.includes(purpose));
  return Object.fromEntries(found.map(({ status, name }) => [status, refTo("responses", name)]));
}

/** @param {ServiceKind} kind */
function managementItem(kind) {
  const { summary, success: done, body } = MANAGEMENT[kind];
  const [status, description, schema] = done;
  const parameters = [
    refTo("parameters", "MembraneOperation"),
    ...(OPERATIONS[kind].accepts === "query" ? QUERY_PARAMETERS : []),
  ];
  const operation = {
    tags: ["management"],
    summary,
    security: [{ [kind]: [] }],
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: { [status]: success(description, schema), ...errorRefs(kind) },
  };
  return methodsOf(OPERATIONS[kind].methods, (method, isOnly) => ({
    operationId: isOnly ? kind : `${kind}-${method}`,
    ...operation,
  }));
}

function invocationItem() {
  const methods = METHODS.filter((method) => FORWARDABLE_METHODS.has(method.toUpperCase()));
  return methodsOf(methods, (method) => ({
    tags: ["invocation"],
    summary: "Sends the request to the target, with the target's credentials",
    security: [{ exported: [] }, ...Object.keys(OTHER_CARRIERS).map((name) => ({ [name]: [] }))],
    parameters: [refTo("parameters", "MembraneOperation")],
    ...(["put", "post", "patch", "delete"].includes(method)
      ? { requestBody: { content: { "*/*": {} } } }
      : {}),
    responses: {
      ...(method === "get" ? { 101: { description: "A WebSocket begins." } } : {}),
      default: TARGET_RESPONSE,
      ...errorRefs("invoke"),
    },
  }));
}

/** @param {(typeof PUBLIC_ROUTES)[number]} route */
function publicItem({ name, methods }) {
  const [status, response] = PUBLIC_SUCCESS[name] ?? [];
  return methodsOf(methods, () => ({
    tags: ["public"],
    summary: "Needs no capability",
    security: [],
    responses: { ...(status === undefined ? {} : { [status]: response }), ...errorRefs(name) },
  }));
}

/**
 * @param {readonly string[]} methods
 * @param {(method: string, isOnly: boolean) => object} operationOf
 */
function methodsOf(methods, operationOf) {
  return Object.fromEntries(
    methods.map((method) => [method.toLowerCase(), operationOf(method.toLowerCase(), methods.length === 1)]),
  );
}

/** A path below another, of any number of segments. */
const BELOW = [
  {
    name: "path",
    in: "path",
    required: true,
    description: "One segment or more: it may have slashes.",
    schema: { type: "string" },
  },
];

/** @param {(typeof PUBLIC_ROUTES)[number]} route @returns {[path: string, item: object][]} */
function publicPaths(route) {
  const item = publicItem(route);
  if (route.path === undefined) return [[`/#${route.name}`, item]];
  /** @type {[string, object][]} */
  const paths = route.path.names.map((name) => [name, item]);
  if (route.name === "oauthMetadata")
    for (const name of route.path.names) paths.push([`${name}/{path}`, { parameters: BELOW, ...item }]);
  return paths;
}

function paths() {
  // Written twice: members next to a reference in a path item have no defined meaning (OpenAPI 3.1.1, 4.8.9.1).
  const invocation = invocationItem();
  return Object.fromEntries([
    ...SERVICE_KINDS.map((kind) => [`/#${kind}`, managementItem(kind)]),
    ["/#invoke", invocation],
    ["/{path}", { parameters: BELOW, ...invocation }],
    ...PUBLIC_ROUTES.flatMap(publicPaths),
  ]);
}

/** The OpenAPI document of the built service, as text. @param {string} version */
export function openApi(version) {
  const document = {
    openapi: "3.1.1",
    info: {
      title: "Membrane Service",
      version,
      description: INFO,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [
      {
        url: "https://{authority}",
        variables: {
          authority: { default: "localhost:8443", description: "The authority of a capability URI." },
        },
      },
    ],
    tags: [
      { name: "management", description: "Operations of the service itself." },
      { name: "invocation", description: "Requests to targets." },
      { name: "public", description: "Needs no capability." },
    ],
    paths: paths(),
    components: {
      schemas: SCHEMAS,
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: Object.fromEntries(ERROR_RESPONSES.map(({ name, response }) => [name, response])),
      securitySchemes: { ...SECURITY, ...OTHER_CARRIERS },
    },
  };
  return `# Generated from the tables of the service: npm run documents.\n${stringify(document, { lineWidth: 120, aliasDuplicateObjects: false })}`;
}
