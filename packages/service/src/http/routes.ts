import type { RequestHead } from "../invocation/request-head.ts";
import { PREFLIGHT_HEADERS } from "./cors.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import { respond, respondJson } from "./respond.ts";

/** A route that needs no capability. */
export interface PublicRoute {
  readonly methods: readonly string[];
  /** Absent: every path. */
  readonly path?: string;
  respond(exchange: HttpExchange, head: RequestHead): void;
}

/** All public routes. The first row that matches applies. */
const PUBLIC_ROUTES: readonly PublicRoute[] = [
  {
    methods: ["OPTIONS"],
    respond: (exchange, head) => respond(exchange, head.body, 204, PREFLIGHT_HEADERS, ""),
  },
  {
    methods: ["GET", "HEAD"],
    path: "/healthz",
    respond: (exchange, head) => respondJson(exchange, head.body, 200, { status: "ok" }),
  },
];

/**
 * Looks up the route of a request without `Authorization`, before authentication, so that it never counts as a failed
 * authorization. With a token the same method and path may be an invocation.
 */
export function findPublicRoute({
  method,
  path,
}: Pick<RequestHead, "method" | "path">): PublicRoute | undefined {
  return PUBLIC_ROUTES.find(
    (route) => route.methods.includes(method) && (route.path === undefined || route.path === path),
  );
}
