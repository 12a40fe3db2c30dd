/** A certificate or key file that cannot be used; the message names the file and says what to do. */
export class CertificateFileError extends Error {
  override readonly name = "CertificateFileError";
  readonly code = "CERTIFICATE_FILE";
  readonly file: string;
  /** What is wrong with the file, without its name and without text from it. */
  readonly problem: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
    this.problem = problem;
  }
}
