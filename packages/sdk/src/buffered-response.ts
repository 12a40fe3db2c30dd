import {
  type ErrorBody,
  type JsonShape,
  type Parsed,
  TOKEN_PATTERN,
  ok,
  measureJson,
  refuse,
} from "capability-protocol";
import { CapabilityError, invalidResponse } from "./error.ts";

/** A response, read to its end. */
export interface BufferedResponse {
  readonly status: number;
  /** HTTP reason phrase; HTTP/2 has none. */
  readonly reason: string;
  readonly text: string;
}

const MAX_MESSAGE_LENGTH = 1_000;
const TOKEN = new RegExp(TOKEN_PATTERN, "g");
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * What a response of a service has at most: a thousand membranes of five members each. Nested lists take forty times the
 * memory of their text, and a service that is hostile could end the process with 16 MiB of them.
 */
export const SERVICE_JSON: JsonShape = { levels: 8, commas: 16_384 };

/**
 * The JSON value that was answered; an empty body is the empty string.
 *
 * @param most what its JSON may have; absent: anything, for the response of a target.
 * @throws CapabilityError for a status of 400 and above, and for what is no JSON.
 */
export function readJsonBody(response: BufferedResponse, most?: JsonShape): unknown {
  const body = parseJson(response.text, most);
  if (response.status >= 400)
    throw new CapabilityError(errorBody(response, body.ok ? body.value : undefined));
  if (!body.ok) throw invalidResponse(response.status, body.error);
  return body.value;
}

/** The fields of an error response, from the service or from a target: a target's error need not have our fields. */
export function errorBody({ status, reason }: BufferedResponse, body: unknown): ErrorBody {
  const fields: ReadonlyMap<string, unknown> = new Map(
    typeof body === "object" && body !== null ? Object.entries(body) : [],
  );
  const error = sanitizeField(fields.get("error")) ?? sanitizeField(reason) ?? `HTTP ${status}`;
  return {
    statusCode: status,
    error,
    message: sanitizeField(fields.get("message")) ?? `Answered with ${status} ${error}`,
    code: sanitizeField(fields.get("code")) ?? "error_response",
  };
}

function parseJson(text: string, most: JsonShape | undefined): Parsed<unknown> {
  if (text === "") return ok("");
  if (most !== undefined) {
    const { levels, commas } = measureJson(text);
    if (levels > most.levels)
      return refuse("body", `at most ${most.levels} objects and lists within each other`);
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
 * Messages end up in terminals and logs: what a stranger wrote must not act there (control characters, line breaks, marks
 * that turn the direction of the text), and must not carry a token that the sender was shown into them.
 */
function sanitizeField(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return value.replace(TOKEN, "CPBLTY1-...").slice(0, MAX_MESSAGE_LENGTH).replace(CONTROL_CHARACTERS, "?");
}
