import { errorCode } from "./error-code.ts";
import { CliError } from "./cli-error.ts";

/**
 * Makes the error for a file of an option that cannot be read.
 *
 * @param hint what the user can do about it.
 */
export function fileReadError(option: string, name: string, cause: unknown, hint: string): CliError {
  return new CliError(`${option}: ${name} cannot be read: ${describeFileError(cause)}`, hint, { cause });
}

/** @param cause error of the system. */
export function describeFileError(cause: unknown): string {
  const code = errorCode(cause);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    case undefined:
      return "it failed";
    default:
      return code;
  }
}
