import { CapabilityError } from "capability-sdk";
import { adviseOnResponse } from "./response-advice.ts";
import { adviseOnConnection } from "./connection-advice.ts";
import { errorCode } from "./error-code.ts";
import { CliError } from "./cli-error.ts";
import { replaceFieldWithOption } from "./field-option.ts";
import type { RequestContext } from "./request-context.ts";

/** Says why a request to a service failed, and what to do. An error that is not of a request is returned unchanged. */
export function explainRequestError(error: unknown, context: RequestContext): unknown {
  if (error instanceof CliError) return error;
  if (!(error instanceof CapabilityError)) return explainSystemError(error, context);
  switch (error.code) {
    case "request_failed":
      return explainSystemError(error.cause, context);
    case "invalid_response":
      return new CliError(
        `${context.authority} responded with ${error.statusCode}, but not like a Membrane Service`,
        "Check the authority in the capability URI, and whether a proxy responds in place of the service.",
        { cause: error },
      );
    default: {
      // With other statuses, the text before a colon is not a field: "method: expected POST".
      const isField = error.statusCode === 400 || error.statusCode === 409;
      const message = isField ? replaceFieldWithOption(error.message, context) : error.message;
      // The status is left out, since a request with an invalid field may not have been sent.
      const status = error.code === "invalid_field" ? "" : `${error.statusCode} ${error.error}: `;
      return new CliError(`${status}${message}`, adviseOnResponse(error, context), { cause: error });
    }
  }
}

function explainSystemError(error: unknown, context: RequestContext): unknown {
  // The code of an aborted request is a number, not a system error.
  const code = error instanceof Error && error.name === "TimeoutError" ? "ABORT_ERR" : errorCode(error);
  if (code === undefined) return error;
  const { message, hint } = adviseOnConnection(code, context);
  return new CliError(message, hint, { cause: error });
}
