/**
 * What kind of trouble it is; stable, for programs.
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
 * The profile files could not be read or changed. The message says what a person can do about it and names files,
 * lines and what was expected there; it never shows contents of the files, which are secrets.
 *
 * Codes: `invalid_profile` (the argument is not one), `malformed_file`, `duplicate_profile` (two documents of the
 * name that was to be changed), `unchangeable_document` (to be edited by hand), `locked` (a lock file stayed for five
 * seconds), `file_system` (the system refused; its own error is the `cause`).
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
