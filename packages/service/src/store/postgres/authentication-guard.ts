import type { Socket } from "node:net";

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

/** Before it lets the user in, a server asks for a proof, warns, fails, or names its version of the protocol. */
const AUTHENTICATION = "R".charCodeAt(0);
const OTHERS = new Set(Array.from("NEv", (type) => type.charCodeAt(0)));

const KINDS = { ok: 0, password: 3, md5: 5, scram: 10, scramContinue: 11, scramFinal: 12 } as const;

/** What may follow each request, and at first. One that is repeated would cost as much again. */
const FIRST = [KINDS.ok, KINDS.password, KINDS.md5, KINDS.scram];
const FOLLOWING: ReadonlyMap<number, readonly number[]> = new Map([
  [KINDS.md5, [KINDS.ok]],
  [KINDS.scram, [KINDS.scramContinue]],
  [KINDS.scramContinue, [KINDS.scramFinal]],
  [KINDS.scramFinal, [KINDS.ok]],
]);

/** The rounds of the hash are counted by the server, and are computed at once. PostgreSQL has 4,096 by default. */
const MAX_SCRAM_ITERATIONS = 100_000;
const SCRAM_CHALLENGE = /^r=[^,]+,s=[A-Za-z0-9+/]+={0,2},i=([1-9][0-9]{0,6})$/;

/** What may be passed on of what a server has sent: whole messages that were checked. */
interface Passed {
  readonly bytes: Buffer;
  readonly problem?: AuthenticationError;
  /** The user is in, and nothing is held back any more. */
  readonly isAccepted?: boolean;
}

/**
 * Is between a server without TLS, which any program may be, and the driver until it lets the user in. The driver would send it
 * the password itself, compute the rounds of a hash that it chooses, and end or hang the process for malformed messages.
 *
 * @param onOver called when the server has let the user in, or sent what it must not: what it asks for then is no part of the protocol.
 */
export function guardAuthentication(socket: Socket, onOver: () => void): void {
  const check = createAuthenticationCheck();
  const emit = socket.emit.bind(socket);
  let isRefused = false;
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    const [chunk] = values;
    if (event !== "data" || !(chunk instanceof Buffer)) return emit(event, ...values);
    if (isRefused) return true;
    const { bytes, problem, isAccepted } = check(chunk);
    if (isAccepted === true) Reflect.deleteProperty(socket, "emit");
    if (isAccepted === true || problem !== undefined) onOver();
    if (bytes.length > 0) emit("data", bytes);
    if (problem === undefined) return true;
    isRefused = true;
    socket.destroy(problem);
    return true;
  };
}

/** Checks each piece that a server sends, however it cuts its messages. */
export function createAuthenticationCheck(): (chunk: Buffer) => Passed {
  let pending: Buffer = Buffer.alloc(0);
  let allowed: readonly number[] = FIRST;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    let checked = 0;
    const passed = (rest: Omit<Passed, "bytes"> = {}): Passed => {
      const bytes = pending.subarray(0, rest.isAccepted === true ? undefined : checked);
      pending = pending.subarray(checked);
      return { bytes, ...rest };
    };
    while (pending.length - checked >= TYPE_BYTES + LENGTH_BYTES) {
      const type = pending.readUInt8(checked);
      const length = pending.readUInt32BE(checked + TYPE_BYTES);
      const end = checked + TYPE_BYTES + length;
      if (type !== AUTHENTICATION && !OTHERS.has(type))
        return passed({ problem: invalid("a message of an unknown type") });
      if (length < LENGTH_BYTES || length > MAX_BYTES)
        return passed({ problem: invalid("a message of an invalid length") });
      if (pending.length < end) break;
      if (type === AUTHENTICATION) {
        const body = pending.subarray(checked + TYPE_BYTES + LENGTH_BYTES, end);
        if (body.length < KIND_BYTES) return passed({ problem: invalid("a request without a kind") });
        const kind = body.readUInt32BE(0);
        const problem = problemOf(kind, allowed, body.subarray(KIND_BYTES));
        if (problem !== undefined) return passed({ problem });
        if (kind === KINDS.ok) return passed({ isAccepted: true });
        allowed = FOLLOWING.get(kind) ?? [];
      }
      checked = end;
    }
    return passed();
  };
}

function problemOf(kind: number, allowed: readonly number[], rest: Buffer): AuthenticationError | undefined {
  if (!allowed.includes(kind)) return invalid("a kind of authentication that is not supported here");
  if (kind === KINDS.password)
    return new AuthenticationError(
      "PASSWORD_IN_CLEAR",
      "the server asks for the password itself, and TLS does not show who it is",
    );
  if (kind !== KINDS.scramContinue) return undefined;
  const [, iterations] = SCRAM_CHALLENGE.exec(rest.toString("latin1")) ?? [];
  if (iterations === undefined) return invalid("a malformed challenge");
  return Number(iterations) <= MAX_SCRAM_ITERATIONS ? undefined : invalid("too many rounds of the hash");
}

function invalid(what: string): AuthenticationError {
  return new AuthenticationError("AUTHENTICATION_INVALID", `the server sent ${what}`);
}
