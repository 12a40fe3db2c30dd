import { type ErrorBody, type JsonShape, measureJson } from "capability-protocol";
import { type Parsed, ok, refuse } from "capability-protocol/result";
import { TOKEN_PATTERN } from "capability-protocol/token";
import { CapabilityError, invalidResponse } from "./error.ts";

/** A response with its whole body. */
export interface BufferedResponse {
  readonly status: number;
  /** HTTP reason phrase; empty over HTTP/2. */
  readonly reason: string;
  readonly text: string;
}

const MAX_MESSAGE_LENGTH = 1_000;
const TOKEN = new RegExp(TOKEN_PATTERN, "g");
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * The largest structure of a service's response: a thousand membranes of five members each. Nested lists take forty times the
 * memory of their text, so a hostile service could end the process with 16 MiB of them.
 */
export const SERVICE_JSON: JsonShape = { levels: 8, commas: 16_384 };

/**
 * Parses the JSON value of a response; an empty body is the empty string.
 *
 * @param most limits on the JSON's structure; absent for the response of a target, which may have any.
 * @throws CapabilityError for a status of 400 and above, and for a body that is not JSON.
 */
export function readJsonBody(response: BufferedResponse, most?: JsonShape): unknown {
  const body = parseJson(response.text, most);
  if (response.status >= 400)
    throw new CapabilityError(errorBody(response, body.ok ? body.value : undefined));
  if (!body.ok) throw invalidResponse(response.status, body.error);
  return body.value;
}

/** Returns the fields of an error response. The error of a target need not have the service's fields. */
export function errorBody({ status, reason }: BufferedResponse, body: unknown): ErrorBody {
  const fields: ReadonlyMap<string, unknown> = new Map(
    typeof body === "object" && body !== null ? Object.entries(body) : [],
  );
  const error = sanitizeField(fields.get("error")) ?? sanitizeField(reason) ?? `HTTP ${status}`;
  return {
    statusCode: status,
    error,
    message: sanitizeField(fields.get("message")) ?? `Responded with ${status} ${error}`,
    code: sanitizeField(fields.get("code")) ?? "error_response",
  };
}

function parseJson(text: string, most: JsonShape | undefined): Parsed<unknown> {
  if (text === "") return ok("");
  if (most !== undefined) {
    const { levels, commas } = measureJson(text);
    if (levels > most.levels)
      return refuse("body", `at most ${most.levels} levels of nested objects and lists`);
    if (commas > most.commas)
      return refuse("body", `at most ${most.commas} commas between members and elements`);
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return refuse("body", "JSON");
  }
}

/**
 * Makes a field safe for terminals and logs: without control characters, line breaks, marks that change the direction of text,
 * and tokens that the sender saw in the request.
 */
function sanitizeField(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return value.replace(TOKEN, "CPBLTY1-...").slice(0, MAX_MESSAGE_LENGTH).replace(CONTROL_CHARACTERS, "?");
}
