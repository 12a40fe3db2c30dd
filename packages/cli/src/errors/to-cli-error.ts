import { ProfileError } from "capability-sdk/profiles";
import { CliError } from "./cli-error.ts";
import { errorCode } from "./error-code.ts";

/** Turns any error into one for the user. Only the class of an unknown error is shown. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ProfileError) {
    return new CliError(error.message, "capi config --help lists the commands for profiles.", {
      cause: error,
    });
  }
  return new CliError(`internal error in capi${describeErrorClass(error)}`, "Please report this bug.", {
    cause: error,
  });
}

/** Names the class and the code of an error. Its message is left out, since it may contain a secret. */
function describeErrorClass(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return ` (${[error.constructor.name, errorCode(error)].filter((part) => part !== undefined).join(" ")})`;
}
