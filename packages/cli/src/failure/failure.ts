/** Why a command cannot do what it was told, and what to do about it. Neither shows a secret. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** What the person can do next, a sentence or a command line. */
  readonly next: string | undefined;

  constructor(message: string, next?: string, options?: ErrorOptions) {
    super(message, options);
    this.next = next;
  }
}
