import { ERRORS } from "../../../packages/service/dist/http/error-table.js";
import { reasonPhrase } from "../../../packages/service/dist/http/reason-phrase.js";
import { PUBLIC_ROUTES } from "../../../packages/service/dist/http/routes.js";
import { objectWith } from "./schemas.js";

/** @typedef {import("../../../packages/service/dist/http/error-table.js").Purpose} Purpose */
/** @typedef {import("../../../packages/service/dist/http/error-table.js").ErrorFacts} ErrorFacts */
/** @typedef {readonly [code: string, facts: ErrorFacts]} ErrorRow */

/** @type {Record<string, object>} */
const REQUIRED_HEADERS = {
  "X-Request-Id": header("Names the request in the log.", "^[0-9A-Za-z_.:+/=@-]{1,64}$"),
  "Cache-Control": header("No response of the service itself is stored.", "^no-store$"),
  "Retry-After": header("Seconds.", "^[0-9]+$"),
  "Proxy-Status": header(
    "The response is the service's, in place of the target's (RFC 9209).",
    "^membrane; error=[a-z_]+$",
  ),
  "WWW-Authenticate": header(
    "Basic is not offered to browsers.",
    '^(?:Bearer|Bearer, Basic realm="membrane"|Basic realm="membrane")$',
  ),
  Allow: header("The methods that are allowed; empty if none is.", "^(?:[A-Z-]+(?:, [A-Z-]+)*)?$"),
  "Sec-WebSocket-Version": header("The version that is supported.", "^13$"),
  "Access-Control-Allow-Origin": header("Any page may read any response.", "^\\*$"),
  "Access-Control-Allow-Methods": header("", "^[A-Z-]+(?:, [A-Z-]+)*$"),
  "Access-Control-Allow-Headers": header("", "^[A-Za-z-]+(?:, [A-Za-z-]+)*, \\*$"),
  "Access-Control-Max-Age": header("Seconds.", "^[0-9]+$"),
};

/** Not all errors of a status have these. */
const OPTIONAL_HEADERS = ["Retry-After", "Proxy-Status"];

/** Headers of responses, by their names. @type {Record<string, object>} */
export const HEADERS = {
  ...REQUIRED_HEADERS,
  ...Object.fromEntries(
    OPTIONAL_HEADERS.map((name) => [`${name}-optional`, { ...REQUIRED_HEADERS[name], required: false }]),
  ),
};

const REQUEST_ID = refTo("headers", "X-Request-Id");
const NO_STORE = refTo("headers", "Cache-Control");

/**
 * @param {string} description
 * @param {string} pattern
 */
function header(description, pattern) {
  return {
    ...(description === "" ? {} : { description }),
    required: true,
    schema: { type: "string", pattern },
  };
}

/**
 * @param {string} kind
 * @param {string} name
 */
export function refTo(kind, name) {
  return { $ref: `#/components/${kind}/${name}` };
}

/**
 * A response of the service that is not an error.
 *
 * @param {string} description
 * @param {string} schema
 */
export function success(description, schema) {
  return {
    description,
    headers: { "X-Request-Id": REQUEST_ID, "Cache-Control": NO_STORE },
    content: { "application/json": { schema: refTo("schemas", schema) } },
  };
}

/** @typedef {{ name: string, status: number, purposes: readonly Purpose[], response: object }} NamedResponse */

/**
 * The responses of all errors. Purposes that have the same errors of a status share one; that of most purposes is named by the status.
 *
 * @param {readonly Purpose[]} all
 * @returns {NamedResponse[]}
 */
export function errorResponses(all) {
  const statuses = [...new Set(Object.values(ERRORS).map(({ status }) => status))].toSorted((a, b) => a - b);
  return statuses.flatMap((status) => {
    /** @type {Map<string, Purpose[]>} */
    const byText = new Map();
    for (const purpose of all) {
      const response = errorResponse(status, purpose);
      if (response === undefined) continue;
      const text = JSON.stringify(response);
      byText.set(text, [...(byText.get(text) ?? []), purpose]);
    }
    const [common] = [...byText.values()].toSorted((a, b) => b.length - a.length);
    return Array.from(byText, ([text, purposes]) => ({
      name: purposes === common ? String(status) : `${status}-${suffixOf(purposes)}`,
      status,
      purposes,
      response: JSON.parse(text),
    }));
  });
}

/** @param {readonly Purpose[]} purposes */
function suffixOf(purposes) {
  const isPublic = PUBLIC_ROUTES.every(({ name }) => purposes.includes(name));
  return isPublic ? "public" : purposes.join("-");
}

/** @param {number} status @param {Purpose} purpose */
function errorResponse(status, purpose) {
  const rows = Object.entries(ERRORS).filter(
    ([, facts]) => facts.status === status && facts.purposes.includes(purpose),
  );
  if (rows.length === 0) return undefined;
  const codes = rows.map(([code]) => code);
  const body = objectWith({
    statusCode: { const: status },
    error: { const: reasonPhrase(status) },
    message: { type: "string", minLength: 1 },
    code: { enum: codes },
  });
  const isInvocation = purpose === "invoke";
  const content = isInvocation ? inPlaceOfTarget(body, status) : { "application/json": { schema: body } };
  return {
    description: `${reasonPhrase(status)}.`,
    headers: errorHeaders(status, rows, isInvocation),
    content,
  };
}

/**
 * A target may have responded with the same status.
 *
 * @param {object} body
 * @param {number} status
 */
function inPlaceOfTarget(body, status) {
  return {
    "application/json": { schema: { anyOf: [body, { description: "The body of a target's response." }] } },
    ...(status === 401
      ? {}
      : { "application/xml": { schema: { description: "The same in S3's form, for clients of S3." } } }),
    "*/*": {},
  };
}

/**
 * @param {number} status
 * @param {readonly ErrorRow[]} rows
 * @param {boolean} isInvocation
 */
function errorHeaders(status, rows, isInvocation) {
  const retried = rows.filter(
    ([code, facts]) => facts.retryAfterSeconds !== undefined || code === "quota_exhausted",
  );
  /** @type {Record<string, "required" | "optional" | false>} */
  const has = {
    "X-Request-Id": "required",
    "Cache-Control": "required",
    "Retry-After": retried.length > 0 && (retried.length === rows.length ? "required" : "optional"),
    "Proxy-Status": status !== 401 && (isInvocation ? "required" : "optional"),
    "WWW-Authenticate": status === 401 && "required",
    Allow: status === 405 && "required",
    "Sec-WebSocket-Version": status === 426 && "required",
  };
  return Object.fromEntries(
    Object.entries(has)
      .filter(([, need]) => need !== false)
      .map(([name, need]) => [name, refTo("headers", need === "optional" ? `${name}-optional` : name)]),
  );
}
