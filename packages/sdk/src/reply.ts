import { type ErrorBody, type Parsed, TOKEN_PATTERN, accept, refuse } from "capability-protocol";
import { CapabilityError, invalidAnswer } from "./error.ts";

/** An answer, read to its end. */
export interface Reply {
  readonly status: number;
  /** HTTP reason phrase; HTTP/2 has none. */
  readonly reason: string;
  readonly text: string;
}

const LONGEST_MESSAGE = 1_000;
const TOKEN = new RegExp(TOKEN_PATTERN, "g");
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * The JSON value that was answered; an empty body is the empty string.
 *
 * @throws CapabilityError for a status of 400 and above, and for what is no JSON.
 */
export function readReply(reply: Reply): unknown {
  const body = parseJson(reply.text);
  if (reply.status >= 400) throw new CapabilityError(errorBody(reply, body.ok ? body.value : undefined));
  if (!body.ok) throw invalidAnswer(reply.status, body.problem);
  return body.value;
}

/** What an error answer says of itself, whoever sent it: a target's own error need not have our fields. */
export function errorBody({ status, reason }: Reply, body: unknown): ErrorBody {
  const given: ReadonlyMap<string, unknown> = new Map(
    typeof body === "object" && body !== null ? Object.entries(body) : [],
  );
  const error = printable(given.get("error")) ?? printable(reason) ?? `HTTP ${status}`;
  return {
    statusCode: status,
    error,
    message: printable(given.get("message")) ?? `Answered with ${status} ${error}`,
    code: printable(given.get("code")) ?? "error_answer",
  };
}

function parseJson(text: string): Parsed<unknown> {
  if (text === "") return accept("");
  try {
    return accept(JSON.parse(text));
  } catch {
    return refuse("body", "JSON");
  }
}

/**
 * Messages end up in terminals and logs: what a stranger wrote must not act there (control characters, line breaks, marks
 * that turn the direction of the text), and must not carry a token that the sender was shown into them.
 */
function printable(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return value.replace(TOKEN, "CPBLTY1-...").slice(0, LONGEST_MESSAGE).replace(ACTING, "?");
}
