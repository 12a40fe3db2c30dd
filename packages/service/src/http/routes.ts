import type { Outcome } from "../domain/denial.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import { PREFLIGHT_HEADERS } from "./cors.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { PublicRouteName } from "./error-table.ts";
import { respond, respondError, respondJson } from "./respond.ts";
import { wireError } from "./wire-error.ts";

/** A route that needs no capability. */
export interface PublicRoute {
  readonly name: PublicRouteName;
  readonly methods: readonly string[];
  /** Absent: every path. */
  readonly path?: PublicPath;
  respond(exchange: HttpExchange, head: RequestHead, context: PublicRouteContext): void;
}

interface PublicPath {
  readonly names: readonly string[];
  readonly matches: (path: string) => boolean;
}

export interface PublicRouteContext {
  /** Whether requests can be served now, and why not. */
  readonly checkReady: () => Outcome<undefined>;
}

/**
 * Where clients of MCP look for an authorization server (RFC 9728, RFC 8414, OpenID Connect Discovery), and below. After a 404 they
 * use the token that they have; after a 401 they would stop.
 */
const OAUTH_METADATA: readonly string[] = [
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
];

const NO_OAUTH: PublicRoute = {
  name: "oauthMetadata",
  methods: ["GET", "HEAD"],
  path: { names: OAUTH_METADATA, matches: isOAuthMetadata },
  respond: (exchange, head) => respondError(exchange, head.body, wireError({ reason: "no_oauth" })),
};

/** All public routes. The first row that matches applies. */
export const PUBLIC_ROUTES: readonly PublicRoute[] = [
  {
    name: "preflight",
    methods: ["OPTIONS"],
    respond: (exchange, head) => respond(exchange, head.body, 204, PREFLIGHT_HEADERS, ""),
  },
  {
    name: "health",
    methods: ["GET", "HEAD"],
    path: only("/healthz"),
    respond: (exchange, head) => respondJson(exchange, head.body, 200, { status: "ok" }),
  },
  {
    name: "readiness",
    methods: ["GET", "HEAD"],
    path: only("/readyz"),
    respond: (exchange, head, { checkReady }) => {
      const ready = checkReady();
      if (ready.ok) respondJson(exchange, head.body, 200, { status: "ready" });
      else respondError(exchange, head.body, wireError(ready.error));
    },
  },
  NO_OAUTH,
];

/**
 * Looks up the route of an anonymous request, before authentication, so that it never counts as a failed
 * authorization. With a token the same method and path may be an invocation.
 */
export function findPublicRoute(head: Pick<RequestHead, "method" | "path">): PublicRoute | undefined {
  return PUBLIC_ROUTES.find((route) => matchesRoute(route, head));
}

/**
 * Looks up the route of a request that may hold a token: an MCP client looks for an authorization server with the token that it has,
 * and would present it to the one that a target names.
 */
export function findTokenRoute(head: Pick<RequestHead, "method" | "path">): PublicRoute | undefined {
  return matchesRoute(NO_OAUTH, head) ? NO_OAUTH : undefined;
}

function matchesRoute(
  { methods, path: of }: PublicRoute,
  { method, path }: Pick<RequestHead, "method" | "path">,
): boolean {
  return methods.includes(method) && (of === undefined || of.matches(path));
}

function only(name: string): PublicPath {
  return { names: [name], matches: (path) => path === name };
}

function isOAuthMetadata(path: string): boolean {
  // Nearly all paths fail this cheap check.
  if (!path.startsWith("/.well-known/")) return false;
  return OAUTH_METADATA.some((known) => path === known || path.startsWith(`${known}/`));
}
