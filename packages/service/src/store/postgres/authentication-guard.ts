/** Says of each piece that a server sends why the user's proof must not be given to it; nothing while it may be. */
export type AuthenticationGuard = (chunk: Buffer) => AuthenticationError | undefined;

/** What a server that is not verified must not get. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  readonly code: "PASSWORD_IN_CLEAR" | "AUTHENTICATION_INVALID";

  constructor(code: AuthenticationError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What a server says before it lets a user in is small. */
const MAX_BYTES = 65_536;

/** A message has its type, its length without that, and here the kind of request. */
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const KIND_BYTES = 4;

const AUTHENTICATION = "R".charCodeAt(0);

const KINDS = { ok: 0, password: 3, md5: 5, scram: 10, scramContinue: 11, scramFinal: 12 } as const;

/** The rounds of the hash are counted by the server, and are computed at once. These take less than a second. */
const MAX_SCRAM_ITERATIONS = 1_000_000;
const SCRAM_CHALLENGE = /^r=[^,]+,s=[A-Za-z0-9+/]+={0,2},i=([1-9][0-9]{0,6})$/;

/**
 * Watches what a server without TLS, which anyone may be, asks for as the proof of the user. The driver would send it the password
 * itself, compute the rounds of a hash that it chooses, and end the process for a malformed challenge.
 *
 * @param onAccepted called when the server has let the user in: what it asks for then is no part of the protocol.
 */
export function createAuthenticationGuard(onAccepted: () => void): AuthenticationGuard {
  let pending: Buffer = Buffer.alloc(0);
  let isOver = false;
  return (chunk) => {
    if (isOver) return undefined;
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= TYPE_BYTES + LENGTH_BYTES) {
      const length = pending.readUInt32BE(TYPE_BYTES);
      if (length < LENGTH_BYTES || length > MAX_BYTES) return invalid("a message of an invalid length");
      const end = TYPE_BYTES + length;
      if (pending.length < end) return undefined;
      const [type, body] = [pending[0], pending.subarray(TYPE_BYTES + LENGTH_BYTES, end)];
      pending = pending.subarray(end);
      if (type !== AUTHENTICATION) continue;
      if (body.length < KIND_BYTES) return invalid("a request without a kind");
      const kind = body.readUInt32BE(0);
      if (kind === KINDS.ok) {
        isOver = true;
        pending = Buffer.alloc(0);
        onAccepted();
        return undefined;
      }
      const problem = problemOf(kind, body.subarray(KIND_BYTES));
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function problemOf(kind: number, rest: Buffer): AuthenticationError | undefined {
  switch (kind) {
    case KINDS.md5:
    case KINDS.scram:
    case KINDS.scramFinal:
      return undefined;
    case KINDS.password:
      return new AuthenticationError(
        "PASSWORD_IN_CLEAR",
        "the server asks for the password itself, and TLS does not show who it is",
      );
    case KINDS.scramContinue: {
      const [, iterations] = SCRAM_CHALLENGE.exec(rest.toString("latin1")) ?? [];
      if (iterations === undefined) return invalid("a malformed challenge");
      return Number(iterations) <= MAX_SCRAM_ITERATIONS ? undefined : invalid("too many rounds of the hash");
    }
    default:
      return invalid("a kind of authentication that is not supported");
  }
}

function invalid(what: string): AuthenticationError {
  return new AuthenticationError("AUTHENTICATION_INVALID", `the server sent ${what}`);
}
