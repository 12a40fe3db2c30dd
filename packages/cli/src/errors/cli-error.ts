/** Why a command failed, and what to do about it. Neither text contains a secret. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** What the user can do next: a sentence or a command line. */
  readonly hint: string | undefined;

  constructor(message: string, next?: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = next;
  }
}
