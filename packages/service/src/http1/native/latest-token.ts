/** The latest token of a connection, and its digest: most clients send one token, and a digest costs more than a comparison. */
export class LatestToken {
  #token: string | undefined;
  #digest = "";

  digestOf(token: string, compute: (token: string) => string): string {
    if (token !== this.#token) {
      this.#digest = compute(token);
      this.#token = token;
    }
    return this.#digest;
  }

  forget(): void {
    this.#token = undefined;
    this.#digest = "";
  }
}
