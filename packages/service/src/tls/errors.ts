/** A certificate or key file that cannot be used; the message names the file and says what to do. */
export class CertificateFileError extends Error {
  override readonly name = "CertificateFileError";
  readonly code = "CERTIFICATE_FILE";
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}
