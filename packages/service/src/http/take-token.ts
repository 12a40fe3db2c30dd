import type { CapabilityToken, Result } from "capability-protocol";
import { TOKEN_PATTERN, err, ok, parseToken } from "capability-protocol";
import type { DownstreamRequest } from "../http1/downstream.ts";
import type { Carrier } from "../invocation/carrier.ts";
import { CARRIERS } from "../invocation/carrier.ts";
import type { Cidr } from "../net/address.ts";
import { acceptsBasic, parseBasic } from "./basic.ts";
import type { Upgrade } from "./upgrade.ts";

/** The token of a request, and the header that held it. */
export interface CarriedToken {
  readonly token: CapabilityToken;
  readonly carrier: Carrier;
}

/** A header line that may hold a token. */
export interface CarrierLine {
  readonly carrier: Carrier;
  /** Index of the line's name in the flat list. */
  readonly index: number;
}

/**
 * Takes the token out of a request, so that nothing that handles the request later can forward or log it. Only a value that has
 * the form of a token counts; another one stays.
 *
 * @param request its header lines are changed.
 * @param lines the lines that may hold a token, in their order.
 * @param trustedProxies proxies whose `X-Forwarded-Proto` is trusted.
 * @param upgrade the other protocol that the client asks for.
 * @returns nothing if there is no token; an error if there are two different ones.
 */
export function takeToken(
  request: Pick<DownstreamRequest, "rawHeaders" | "socket">,
  lines: readonly CarrierLine[],
  trustedProxies: readonly Cidr[],
  upgrade: Upgrade | undefined,
): Result<CarriedToken | undefined, string> {
  const { rawHeaders } = request;
  let taken: CarriedToken | undefined;
  let isAmbiguous = false;
  // Begins with the last line, since the removal of a line moves those after it.
  for (const { carrier, index } of lines.length > 1 ? lines.toReversed() : lines) {
    const value = READERS[carrier](rawHeaders[index + 1] ?? "");
    if (value === undefined) continue;
    const counts = value.onlyIf === undefined || CONDITIONS[value.onlyIf](request, trustedProxies, upgrade);
    if (value.rest === undefined) rawHeaders.splice(index, 2);
    else rawHeaders[index + 1] = value.rest;
    if (!counts) continue;
    for (const token of value.tokens) {
      isAmbiguous ||= taken !== undefined && taken.token !== token;
      if (taken === undefined || precedes(carrier, taken.carrier)) taken = { token, carrier };
    }
  }
  return isAmbiguous ? TWO_TOKENS : ok(taken);
}

const TWO_TOKENS = err("token: expected one; two headers hold different ones");

function precedes(carrier: Carrier, other: Carrier): boolean {
  return CARRIERS.indexOf(carrier) < CARRIERS.indexOf(other);
}

/** What a header value says, if it holds a token. */
interface CarrierValue {
  readonly tokens: readonly CapabilityToken[];
  /** What remains of the value; absent: nothing, and the line is removed. */
  readonly rest?: string;
  /** The tokens are removed in any case, and count only under this condition. */
  readonly onlyIf?: keyof typeof CONDITIONS;
}

const CONDITIONS = {
  basicAccepted: acceptsBasic,
  /** No cache stores a handshake, and `Vary` does not name its header. */
  upgrade: (_request: unknown, _proxies: unknown, upgrade: Upgrade | undefined) => upgrade !== undefined,
};

const READERS: Readonly<Record<Carrier, (value: string) => CarrierValue | undefined>> = {
  authorization: readAuthorization,
  "x-api-key": readPlain,
  "api-key": readPlain,
  "x-goog-api-key": readPlain,
  "x-amz-security-token": readPlain,
  "sec-websocket-protocol": readSubprotocols,
};

function readPlain(value: string): CarrierValue | undefined {
  const token = parseToken(value);
  return token === undefined ? undefined : { tokens: [token] };
}

/** `Bearer` (RFC 6750 §2.1), `token` (Octokit) or `Basic` (RFC 7617); the scheme's name is in any case. */
function readAuthorization(value: string): CarrierValue | undefined {
  const space = value.indexOf(" ");
  const scheme = value.slice(0, space).toLowerCase();
  if (scheme !== "bearer" && scheme !== "token" && scheme !== "basic") return undefined;
  let start = space + 1;
  while (value[start] === " ") start += 1;
  const credentials = value.slice(start);
  if (scheme !== "basic") return readPlain(credentials);
  const tokens = parseBasic(credentials);
  return tokens.length === 0 ? undefined : { tokens, onlyIf: "basicAccepted" };
}

/** OpenAI Realtime in browsers, where no other header can be set. */
const OPENAI_PREFIX = "openai-insecure-api-key.";

/** Kubernetes; what follows is in base64url. */
const KUBERNETES_PREFIX = "base64url.bearer.authorization.k8s.io.";

/** `Sec-WebSocket-Protocol`: the token is one of the protocols that the client offers (RFC 6455 §11.3.4). */
function readSubprotocols(value: string): CarrierValue | undefined {
  const tokens: CapabilityToken[] = [];
  const others: string[] = [];
  for (const item of value.split(",")) {
    const protocol = item.trim();
    const token = tokenOfSubprotocol(protocol);
    if (token !== undefined) tokens.push(token);
    else if (protocol !== "") others.push(protocol);
  }
  if (tokens.length === 0) return undefined;
  const rest = others.length === 0 ? {} : { rest: others.join(", ") };
  return { tokens, onlyIf: "upgrade", ...rest };
}

function tokenOfSubprotocol(protocol: string): CapabilityToken | undefined {
  if (protocol.startsWith(OPENAI_PREFIX)) return parseToken(protocol.slice(OPENAI_PREFIX.length));
  const value = protocol.slice(KUBERNETES_PREFIX.length);
  if (protocol.toLowerCase() !== KUBERNETES_PREFIX + value.toLowerCase()) return undefined;
  // Servers decode freely, so that a token with padding, a line end or more around it would be one at the target.
  const [token] = TOKEN_PATTERN.exec(Buffer.from(value, "base64url").toString("latin1")) ?? [];
  return token === undefined ? undefined : parseToken(token);
}
