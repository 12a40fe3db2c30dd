import { CapabilityError } from "capability-sdk";
import { ProfileError } from "capability-sdk/profiles";
import { adviseOnAnswer } from "./answer.ts";
import { adviseOnConnection } from "./connection.ts";
import { codeOf } from "./error-code.ts";
import { Failure } from "./failure.ts";
import { nameOption } from "./field.ts";
import type { Place } from "./place.ts";

/** Why a request to a service failed, and what to do. What is no failure of a request comes back as it is. */
export function explainRequest(error: unknown, place: Place): unknown {
  if (error instanceof Failure) return error;
  if (!(error instanceof CapabilityError)) return explainSystem(error, place);
  switch (error.code) {
    case "request_failed":
      return explainSystem(error.cause, place);
    case "invalid_answer":
      return new Failure(
        `${place.authority} answered ${error.statusCode}, but not as a Membrane Service does`,
        "Check the authority in the capability URI, and whether a proxy answers in place of the service.",
        { cause: error },
      );
    default: {
      // Elsewhere a colon stands behind other things: "method: expected one of POST" is of the request itself.
      const isField = error.statusCode === 400 || error.statusCode === 409;
      const message = isField ? nameOption(error.message, place.right) : error.message;
      // It may never have been sent: of what is wrong in a field the status says nothing more.
      const status = error.code === "invalid_field" ? "" : `${error.statusCode} ${error.error}: `;
      return new Failure(`${status}${message}`, adviseOnAnswer(error, place), { cause: error });
    }
  }
}

/** What a command failed of, fit for a person, if it is one of the failures that are known. */
export function explainAny(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ProfileError) {
    return new Failure(error.message, "capi config --help tells of the commands that keep profiles.", {
      cause: error,
    });
  }
  return new Failure(`something went wrong in capi itself${nameOf(error)}`, "Please report it as a defect.", {
    cause: error,
  });
}

function explainSystem(error: unknown, place: Place): unknown {
  // The own code of an aborted request is a number that stands for no system error.
  const code = error instanceof Error && error.name === "TimeoutError" ? "ABORT_ERR" : codeOf(error);
  if (code === undefined) return error;
  const { message, next } = adviseOnConnection(code, place);
  return new Failure(message, next, { cause: error });
}

/** The class of an error and its code say something to whoever looks after it; its message may hold anything. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return ` (${[error.constructor.name, codeOf(error)].filter((part) => part !== undefined).join(" ")})`;
}
