import { codeOf } from "./error-code.ts";
import { Failure } from "./failure.ts";

/**
 * A file that an option named and that cannot be read.
 *
 * @param next what the person can do about it.
 */
export function unreadable(option: string, name: string, cause: unknown, next: string): Failure {
  return new Failure(`${option}: ${name} cannot be read: ${whyUnreadable(cause)}`, next, { cause });
}

/** @param cause error of the system. */
export function whyUnreadable(cause: unknown): string {
  const code = codeOf(cause);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "this user may not";
    case "EISDIR":
      return "it is a directory";
    case undefined:
      return "it failed";
    default:
      return code;
  }
}
