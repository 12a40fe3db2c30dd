/** How much of the server's identity is checked, as in libpq. Its modes that fall back to plain text do not exist here. */
export type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

/** All that a connection needs: the contents of files, and no paths. */
export interface ConnectionConfig {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly sslMode: SslMode;
  /** PEM of the CAs that the server's certificate is checked with. Default: those of Node. */
  readonly ca?: string;
  /** PEM of the client's certificate, and of its key. */
  readonly cert?: string;
  readonly key?: string;
  readonly connectTimeoutMs: number;
}
