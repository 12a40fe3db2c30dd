import { ERRORS } from "../../../packages/service/dist/http/error-table.js";
import { MEMBRANE_OPERATIONS } from "../../../packages/protocol/dist/operation.js";
import { TOKEN_PATTERN } from "../../../packages/protocol/dist/token.js";

import { EXPORT_SCHEMA } from "../export-schema.js";

/** @typedef {Readonly<Record<string, unknown>>} Schema */

const URI = { $ref: "#/components/schemas/CapabilityUri" };

/**
 * An object that has all of these members. A newer service may send more.
 *
 * @param {Record<string, Schema>} properties
 * @param {readonly string[]} [optional]
 */
export function objectWith(properties, optional = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", required, properties };
}

/** The schemas of docs/schema/export.json under names of this document. @returns {Record<string, Schema>} */
function exportSchemas() {
  const { anyOf, $defs, type } = EXPORT_SCHEMA;
  const all = Object.entries({ export: { type, anyOf }, ...$defs });
  const text = JSON.stringify(Object.fromEntries(all.map(([name, schema]) => [nameOf(name), schema])));
  return JSON.parse(text, (key, value) =>
    key === "$ref" ? `#/components/schemas/${nameOf(value.replace("#/$defs/", ""))}` : value,
  );
}

/** @param {string} name */
function nameOf(name) {
  return name === "export" ? "Export" : `Export-${name}`;
}

/** The bodies of requests and responses (`packages/protocol/src/api`). @type {Record<string, Schema>} */
export const SCHEMAS = {
  ...exportSchemas(),
  CapabilityUri: {
    description: "A capability: the token after `#` is sent to `https://` and the authority.",
    type: "string",
    pattern: `^cpblty://[^/#@]+/#${TOKEN_PATTERN.source}$`,
  },
  Id: {
    description: "1 to 512 UTF-16 code units, well-formed, without NUL.",
    type: "string",
    minLength: 1,
    maxLength: 512,
    pattern: "^[^\\u0000\\ud800-\\udfff]*$",
  },
  NewName: { ...objectWith({ id: { $ref: "#/components/schemas/Id" } }), additionalProperties: false },
  Membrane: objectWith({
    id: { $ref: "#/components/schemas/Id" },
    capabilities: objectWith({ export: URI, revoke: URI }),
  }),
  MembranePage: objectWith({
    membranes: {
      description: "In the order of the UTF-8 bytes of their ids.",
      type: "array",
      maxItems: 1000,
      items: { $ref: "#/components/schemas/Membrane" },
    },
    completed: { description: "Whether nothing follows.", type: "boolean" },
  }),
  Tenant: objectWith({
    id: { $ref: "#/components/schemas/Id" },
    capabilities: objectWith({ create: URI, query: URI, deleteSelf: URI }),
  }),
  Exported: objectWith(
    {
      capability: URI,
      expiresAt: {
        description: "When it ends, or what it re-exports, in UTC; absent if neither does.",
        type: "string",
        pattern: "^[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
      },
    },
    ["expiresAt"],
  ),
  Accepted: objectWith({ statusCode: { const: 202 }, message: { const: "Accepted" } }),
  Alive: objectWith({ status: { const: "ok" } }),
  Ready: objectWith({ status: { const: "ready" } }),
  Error: objectWith({
    statusCode: { description: "The status of the response.", type: "integer" },
    error: { description: "Its reason phrase.", type: "string" },
    message: { description: "What and why, for a person.", type: "string" },
    code: { $ref: "#/components/schemas/ErrorCode" },
  }),
  ErrorCode: {
    description: "Stable, for programs.",
    oneOf: Object.entries(ERRORS).map(([code, { when }]) => ({
      const: code,
      description: withoutLinks(when),
    })),
  },
};

/** @type {Record<string, Schema>} */
export const PARAMETERS = {
  MembraneOperation: {
    name: "Membrane-Operation",
    in: "header",
    description:
      "The operation that the client intends. With a capability of another kind nothing is done, and the response is 400 `wrong_capability`.",
    schema: { enum: [...MEMBRANE_OPERATIONS] },
  },
};

/** The query of `query`. */
export const QUERY_PARAMETERS = [
  queryParameter("id", "Only the membrane of this id.", { $ref: "#/components/schemas/Id" }),
  queryParameter("lastId", "Only ids after this one.", { $ref: "#/components/schemas/Id" }),
  queryParameter("limit", "How many membranes to return at most; over 1000 means 1000.", {
    type: "integer",
    minimum: 1,
    default: 1,
  }),
];

/** Links of Markdown lead to places in another document. @param {string} text */
function withoutLinks(text) {
  return text.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1");
}

/**
 * @param {string} name
 * @param {string} description
 * @param {Schema} schema
 */
function queryParameter(name, description, schema) {
  return { name, in: "query", description, schema };
}
