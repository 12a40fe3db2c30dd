import { readFileSync } from "node:fs";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type { Purpose } from "../../src/http/error-table.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

/* The OpenAPI document, and what it says of a response. */

type Json = Readonly<Record<string, any>>;

const DOCS = new URL("../../../../docs/", import.meta.url);

export const OPENAPI_TEXT: string = readFileSync(new URL("openapi.yaml", DOCS), "utf8");
const DOCUMENT: Json = parse(OPENAPI_TEXT);

export interface Operation {
  readonly path: string;
  /** In upper case. */
  readonly method: string;
  readonly purpose: Purpose;
  readonly responses: Readonly<Record<string, Json>>;
}

/** Which purpose each path has that does not name it. */
const PURPOSES: Readonly<Record<string, Purpose>> = {
  "/{path}": "invoke",
  "/healthz": "health",
  "/readyz": "readiness",
};

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** All operations, with what they refer to. */
export const OPERATIONS_OF_DOCUMENT: readonly Operation[] = Object.entries<Json>(DOCUMENT["paths"]).flatMap(
  ([path, item]) => {
    const purpose = path.startsWith("/#") ? path.slice(2) : (PURPOSES[path] ?? "oauthMetadata");
    const own = resolve(item);
    return METHODS.filter((method) => own[method] !== undefined).map((method) => ({
      path,
      method: method.toUpperCase(),
      purpose: purpose as Purpose,
      responses: Object.fromEntries(
        Object.entries<Json>(own[method].responses).map(([status, response]) => [status, resolve(response)]),
      ),
    }));
  },
);

export function operationOf(purpose: Purpose, method: string, path?: string): Operation | undefined {
  return OPERATIONS_OF_DOCUMENT.find(
    (one) => one.purpose === purpose && one.method === method && (path === undefined || one.path === path),
  );
}

function resolve(node: Json): Json {
  const reference: unknown = node["$ref"];
  if (typeof reference !== "string") return node;
  const [, ...names] = reference.split("/");
  return names.reduce<Json>((at, name) => at[name], DOCUMENT);
}

const SCHEMAS = "openapi.yaml";
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
ajv.addSchema({ $id: SCHEMAS, $defs: toSchema(DOCUMENT["components"].schemas) });

/** The schemas that were compiled, since each response of an operation has the same one. */
const COMPILED = new Map<string, ValidateFunction>();

/** Validates as the document says, and refuses members that it does not describe. */
export function problemsWith(schema: Json, value: unknown): string | undefined {
  const text = JSON.stringify(toSchema(schema));
  const validate = COMPILED.get(text) ?? ajv.compile(JSON.parse(text));
  COMPILED.set(text, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** Compiles every schema of the document: a schema that is none throws. */
export function compileAllSchemas(): void {
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      if (name === "schema") problemsWith(child as Json, undefined);
      else visit(child);
    }
  };
  visit(DOCUMENT);
}

function toSchema(node: unknown): any {
  if (Array.isArray(node)) return node.map(toSchema);
  if (typeof node !== "object" || node === null) return node;
  const mapped = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [
      name,
      name === "$ref" ? toReference(value) : toSchema(value),
    ]),
  );
  const isOpen = mapped["type"] === "object" && mapped["additionalProperties"] === undefined;
  return isOpen ? { ...mapped, additionalProperties: false } : mapped;
}

function toReference(reference: string): string {
  return reference.replace(/^#\/components\/schemas\//, `${SCHEMAS}#/$defs/`);
}

/** The codes that an operation describes, as `PURPOSE STATUS CODE`. */
export function describedErrors({ purpose, responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, response]) => {
    const codes: readonly string[] = errorSchema(response)?.["properties"]?.code?.enum ?? [];
    return codes.map((code) => `${purpose} ${status} ${code}`);
  });
}

/** The schema of an error of the service; that of an invocation is one of two. */
function errorSchema(response: Json): Json | undefined {
  const schema: Json | undefined = response["content"]?.["application/json"]?.schema;
  return schema?.["anyOf"]?.[0] ?? schema;
}

const DESCRIBED_HEADERS = Object.keys(DOCUMENT["components"].headers).filter(
  (name) => !name.endsWith("-optional"),
);

/** Headers that a success of the service has too, although only the response to a preflight describes them. */
const OF_EVERY_RESPONSE = new Set(["access-control-allow-origin"]);

/**
 * Checks a response of the service itself: its status, headers and body are as the operation describes them, and nothing more.
 *
 * @returns what is wrong.
 */
export function findContradictions(operation: Operation, response: RawResponse): string[] {
  const described = operation.responses[String(response.status)];
  if (described === undefined) return [`no status ${response.status}`];
  return [...headerProblems(described, response), ...bodyProblems(operation, described, response)];
}

function headerProblems(described: Json, { headers }: RawResponse): string[] {
  const own = new Map(Object.entries<Json>(described["headers"] ?? {}));
  return DESCRIBED_HEADERS.flatMap((name) => {
    const values = headers.get(name.toLowerCase()) ?? [];
    const header = own.get(name);
    if (header === undefined) {
      const isKnown = values.length === 0 || OF_EVERY_RESPONSE.has(name.toLowerCase());
      return isKnown ? [] : [`${name} is not described`];
    }
    const { required, schema } = resolve(header);
    if (values.length === 0) return required === true ? [`${name} is missing`] : [];
    return values
      .flatMap((value) => problemsWith(schema, value) ?? [])
      .map((problem) => `${name}: ${problem}`);
  });
}

function bodyProblems({ method, purpose }: Operation, described: Json, response: RawResponse): string[] {
  if (method === "HEAD") return response.body === "" ? [] : ["a response to HEAD has a body"];
  const type = response.headers.get("content-type")?.[0];
  if (described["content"] === undefined) return response.body === "" ? [] : ["the body is not described"];
  if (type === undefined || described["content"][type] === undefined) return [`no ${type}`];
  if (type !== "application/json") return [];
  // Whatever a target responds with is described, too.
  const schema = purpose === "invoke" ? errorSchema(described) : described["content"][type].schema;
  const problem = problemsWith(schema ?? {}, JSON.parse(response.body));
  return problem === undefined ? [] : [problem];
}
