/**
 * The kind of error; stable, for programs.
 *
 * @example
 * const code: ProfileErrorCode = "locked";
 * new ProfileError(code, "another process is changing the profiles").code; // => "locked"
 */
export type ProfileErrorCode =
  | "invalid_profile"
  | "malformed_file"
  | "duplicate_profile"
  | "unchangeable_document"
  | "locked"
  | "file_system";

/**
 * The profile files could not be read or changed. The message names the file, the line and what was expected, and says what a
 * person can do. It never shows contents of the files, which are secrets.
 *
 * Codes: `invalid_profile` (the argument is not a profile), `malformed_file`, `duplicate_profile` (two documents have the
 * name to be changed), `unchangeable_document` (it must be edited by hand), `locked` (a lock file existed for five seconds),
 * `file_system` (an error of the system, which is the `cause`).
 *
 * @example
 * const directory = profileDirectory(HOME);
 * const failed = await changeProfile(directory, { name: "\uD800", capabilities: {}, trustedCA: {} }).catch(
 *   (error: unknown) => error,
 * );
 * failed instanceof ProfileError && failed.code; // => "invalid_profile"
 */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
  readonly code: ProfileErrorCode;

  constructor(code: ProfileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
