import { CapabilityError } from "capability-sdk";
import { ProfileError } from "capability-sdk/profiles";
import { adviseOnResponse } from "./response-advice.ts";
import { adviseOnConnection } from "./connection-advice.ts";
import { errorCode } from "./error-code.ts";
import { CliError } from "./cli-error.ts";
import { replaceFieldWithOption } from "./field-option.ts";
import type { RequestContext } from "./request-context.ts";

/** Why a request to a service failed, and what to do. What is no failure of a request comes back as it is. */
export function explainRequestError(error: unknown, context: RequestContext): unknown {
  if (error instanceof CliError) return error;
  if (!(error instanceof CapabilityError)) return explainSystemError(error, context);
  switch (error.code) {
    case "request_failed":
      return explainSystemError(error.cause, context);
    case "invalid_response":
      return new CliError(
        `${context.authority} responded with ${error.statusCode}, but not as a Membrane Service does`,
        "Check the authority in the capability URI, and whether a proxy answers in place of the service.",
        { cause: error },
      );
    default: {
      // Elsewhere a colon follows other things: "method: expected one of POST" is of the request itself.
      const isField = error.statusCode === 400 || error.statusCode === 409;
      const message = isField ? replaceFieldWithOption(error.message, context.right) : error.message;
      // It may never have been sent: of what is wrong in a field the status says nothing more.
      const status = error.code === "invalid_field" ? "" : `${error.statusCode} ${error.error}: `;
      return new CliError(`${status}${message}`, adviseOnResponse(error, context), { cause: error });
    }
  }
}

/** What a command failed of, fit for a person, if it is one of the failures that are known. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ProfileError) {
    return new CliError(error.message, "capi config --help tells of the commands that keep profiles.", {
      cause: error,
    });
  }
  return new CliError(`internal error in capi${describeErrorClass(error)}`, "Please report it as a defect.", {
    cause: error,
  });
}

function explainSystemError(error: unknown, context: RequestContext): unknown {
  // The own code of an aborted request is a number that represents no system error.
  const code = error instanceof Error && error.name === "TimeoutError" ? "ABORT_ERR" : errorCode(error);
  if (code === undefined) return error;
  const { message, hint } = adviseOnConnection(code, context);
  return new CliError(message, hint, { cause: error });
}

/** Names the class and the code of an error. Its message is left out, since it may contain a secret. */
function describeErrorClass(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return ` (${[error.constructor.name, errorCode(error)].filter((part) => part !== undefined).join(" ")})`;
}
