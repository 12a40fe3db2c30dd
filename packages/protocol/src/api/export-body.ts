/**
 * Body of a POST to an `export` capability, before it is checked; `parseExportRequest` says what is accepted.
 *
 * @example
 * const bodies: ExportBody[] = [
 *   { uri: "https://api.example/report" },
 *   { capability: `cpblty://localhost:8443/#${TOKEN}` },
 * ];
 * bodies.every((body) => parseExportRequest(body).ok); // => true
 */
export type ExportBody = TargetBody | ReexportBody;

/**
 * A target: the upstream request that the new capability represents.
 *
 * @example
 * const body: TargetBody = {
 *   uri: "https://api.example/report",
 *   method: "GET",
 *   headers: { "X-Api-Key": "secret" },
 *   timeoutMs: 5_000,
 * };
 * parseExportRequest(body).ok; // => true
 */
export interface TargetBody extends ExportTermsBody {
  /** http or https, absolute, without user info and fragment. */
  readonly uri: string;
  /** Default: the client's method. */
  readonly method?: string | undefined;
  /** Replaces the client's headers, name by name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether a path of the client is appended to that of `uri`. Default false: there is only `/`. */
  readonly allowPath?: boolean | undefined;
  /** Whether the client's query is appended to that of `uri`; a list: only these keys. Default false. */
  readonly allowQuery?: boolean | readonly string[] | undefined;
  /** Names of headers of the client that pass, although they do not by default. */
  readonly allowHeaders?: readonly string[] | undefined;
  /** Whether the client's path may have `%2F` within a segment. Default false. */
  readonly encodedSlash?: boolean | undefined;
  /** Whether the client's path may have empty segments. Default false. */
  readonly emptySegments?: boolean | undefined;
  /** Longest time without a byte from the target, in milliseconds. Cannot exceed the service's own limit. */
  readonly timeoutMs?: number | undefined;
  /** How each request is signed. Default: not at all. */
  readonly hmac?:
    | {
        readonly "aws4-hmac-sha256": {
          readonly awsAccessKeyId: string;
          readonly region: string;
          readonly service: string;
          readonly secretAccessKey: string;
          /** The session token of temporary credentials. */
          readonly sessionToken?: string | undefined;
        };
      }
    | {
        readonly "cap1-hmac-sha512": {
          /** Base64url without padding. */
          readonly key: string;
          readonly keyId: string;
        };
      }
    | undefined;
  /** TLS options for the target; all texts are PEM. */
  readonly tls?:
    | {
        /** Replaces the default certificate authorities. */
        readonly ca?: string | undefined;
        /** Client certificate; requires `key`. */
        readonly cert?: string | undefined;
        /** Its private key, unencrypted. */
        readonly key?: string | undefined;
        /** Default true; false skips the check of this target's certificate. */
        readonly rejectUnauthorized?: boolean | undefined;
      }
    | undefined;
}

/**
 * What every export can ask for: limits of the new capability, and a label.
 *
 * @example
 * const terms: ExportTermsBody = { limits: { ttlMs: 7 * 24 * 60 * 60 * 1_000 }, label: "for Kim, until Friday" };
 * parseExportRequest({ uri: "https://api.example/report", ...terms }).ok; // => true
 */
export interface ExportTermsBody {
  /** What its holders may do at most; absent: all that the target or the re-exported capability allows. */
  readonly limits?: LimitsBody | undefined;
  /** A note of at most 128 characters, sealed with the capability. No response contains it. */
  readonly label?: string | undefined;
}

/**
 * Limits of a capability. They only narrow: a request must satisfy these and those of every capability that it re-exports.
 *
 * @example
 * const limits: LimitsBody = { expiresAt: "2030-01-31T12:00:00Z" };
 * parseExportRequest({ uri: "https://api.example/report", limits }).ok; // => true
 */
export interface LimitsBody {
  /** Time as in RFC 3339 from which on it is dead, and all that was made with or from it. */
  readonly expiresAt?: string | undefined;
  /** The same as a duration from the export, in milliseconds. Not together with `expiresAt`. */
  readonly ttlMs?: number | undefined;
  /** Time as in RFC 3339 before which it cannot be used; it can be re-exported. Before the end. */
  readonly notBefore?: string | undefined;
  /** How many requests are admitted: in all, or in each window of `maxUsesEveryMs`. */
  readonly maxUses?: number | undefined;
  /** Length of a window in milliseconds, at least 1,000. Windows begin with the export. Only with `maxUses`. */
  readonly maxUsesEveryMs?: number | undefined;
  /** Methods, in upper case; GET does not include HEAD. */
  readonly methods?: readonly string[] | undefined;
  /** Patterns of canonical paths, relative to the target's: `*` is one part, `/**` at the end all below. */
  readonly paths?: readonly string[] | undefined;
  /** Only these keys of the query. */
  readonly query?:
    | Readonly<Record<string, true | readonly (string | { readonly startsWith: string })[]>>
    | undefined;
  /**
   * Only these headers of the client, those that describe its body, its conditions, what it accepts or a WebSocket handshake, and
   * those that the signature of the target lets through.
   */
  readonly headers?: Readonly<Record<string, true | readonly string[]>> | undefined;
  /** A request must satisfy at least one of these. */
  readonly requests?: readonly RequestLimitBody[] | undefined;
  /** Longest body of a request, in bytes. */
  readonly maxBodyBytes?: number | undefined;
  /** Blocks of addresses in CIDR notation, one of which the client's address must be in. */
  readonly clientCidrs?: readonly string[] | undefined;
  /** `false`: this service does not re-export it. Who uses it can still act for others. */
  readonly delegable?: false | undefined;
}

/**
 * One alternative of `requests`.
 *
 * @example
 * const requests: RequestLimitBody[] = [
 *   { methods: ["GET"], query: { prefix: [{ startsWith: "reports/" }] } },
 *   { methods: ["GET", "HEAD"], paths: ["/reports/**"] },
 * ];
 * parseExportRequest({ uri: "https://api.example/", limits: { requests } }).ok; // => true
 */
export type RequestLimitBody = Pick<LimitsBody, "methods" | "paths" | "query" | "headers">;

/**
 * A capability that the client holds: the new one does what that one does, and ends with it.
 *
 * @example
 * const body: ReexportBody = { capability: `cpblty://localhost:8443/#${TOKEN}` };
 * parseExportRequest(body).ok; // => true
 */
export interface ReexportBody extends ExportTermsBody {
  /** Capability URI of the form `cpblty://authority/#token`. */
  readonly capability: string;
}
