import { hash } from "node:crypto";
import type {
  AllowedValues,
  ExportRequest,
  Limits,
  RequestLimit,
  TargetConfiguration,
} from "capability-protocol";
import { canonicalizePath } from "capability-protocol/path";
import { matchesPathPattern, parsePathPattern, splitPath } from "capability-protocol";
import { printableName } from "capability-protocol/result";
import { createSigner } from "capability-protocol/signers";

/** A limit that is accepted, and probably not what was meant. */
export interface LimitWarning {
  /** JSON path in the body of the export. */
  readonly field: string;
  readonly message: string;
}

/**
 * Finds limits of an export that no request can satisfy, or that limit nothing. The service accepts them, since a re-export can make
 * any limits useless.
 */
export function findLimitWarnings(request: ExportRequest, now: Date): readonly LimitWarning[] {
  const { limits } = request;
  if (limits === undefined) return [];
  const isOver = limits.expiresAt !== undefined && limits.expiresAt <= now.getTime();
  const expired = isOver
    ? [{ field: "limits.expiresAt", message: "this time has passed, so the capability never works" }]
    : [];
  // Only its service knows the target of a capability that is passed on.
  if (request.kind === "reexport") return expired;
  const alternatives = (limits.requests ?? []).map(
    (limit, index) => [`limits.requests[${index}]`, limit] as const,
  );
  const conditions: readonly (readonly [string, RequestLimit])[] = [["limits", limits], ...alternatives];
  const found = conditions.flatMap(([path, limit]) =>
    [
      checkMethods(limit, request.target, `${path}.methods`),
      checkPaths(limit, request.target, `${path}.paths`),
      checkQuery(limit, request.target, `${path}.query`),
      checkHeaders(limit, request.target, `${path}.headers`),
    ].flat(),
  );
  return [...expired, ...checkAlternatives(limits), ...found];
}

/** A request must satisfy the methods of the whole capability, and those of one alternative. */
function checkAlternatives({ methods, requests }: Limits): readonly LimitWarning[] {
  if (methods === undefined || requests === undefined) return [];
  const isMet = requests.some(
    (limit) => limit.methods === undefined || limit.methods.some((method) => methods.includes(method)),
  );
  return isMet
    ? []
    : [
        {
          field: "limits.methods",
          message: "admits no request, since no alternative of requests has one of them",
        },
      ];
}

function checkMethods(
  { methods }: RequestLimit,
  { method }: TargetConfiguration,
  field: string,
): readonly LimitWarning[] {
  if (methods === undefined || method === undefined || methods.includes(method)) return [];
  return [
    { field, message: `admits no request, since every one is sent to the target with ${method} (--method)` },
  ];
}

function checkPaths(
  { paths = [] }: RequestLimit,
  target: TargetConfiguration,
  field: string,
): readonly LimitWarning[] {
  return paths.flatMap((pattern, index) => {
    const message = explainPattern(pattern, target);
    return message === undefined ? [] : { field: `${field}[${index}]`, message };
  });
}

function explainPattern(text: string, target: TargetConfiguration): string | undefined {
  const { allowPath, encodedSlash = false, emptySegments = false, uri } = target;
  if (allowPath !== true) {
    return admitsRoot(text) ? undefined : "admits no request: without --allow-path there is only the path /";
  }
  const path = canonicalizePath(text, { encodedSlash, emptySegments });
  if (!path.ok) {
    const option = path.error.rule === "encoded-slash" ? "--encoded-slash" : "--empty-segments";
    return `admits no request without ${option}`;
  }
  const base = uri.path.replace(/\/$/, "");
  if (base === "" || (text !== base && !text.startsWith(`${base}/`))) return undefined;
  return `begins with the path of --uri, ${base}, and is relative to it: it admits ${base}${text}`;
}

function admitsRoot(text: string): boolean {
  const pattern = parsePathPattern(text);
  const root = canonicalizePath("/", { encodedSlash: false, emptySegments: false });
  return pattern.ok && root.ok && matchesPathPattern(pattern.value, splitPath(root.value));
}

function checkQuery(
  { query }: RequestLimit,
  { allowQuery }: TargetConfiguration,
  field: string,
): readonly LimitWarning[] {
  if (query === undefined || allowQuery === true) return [];
  const isOpen = (key: string): boolean => allowQuery !== false && allowQuery.includes(key);
  const option = allowQuery === false ? "--allow-query" : "--allow-query-key";
  return Array.from(query).flatMap(([key, values]) => {
    if (isOpen(key)) return [];
    const effect = values === "any" ? "has no effect" : "admits no request";
    const named = `${option}${allowQuery === false ? "" : ` ${printableName(key)}`}`;
    return {
      field: `${field}.${printableName(key)}`,
      message: `${effect}, since no such key passes without ${named}`,
    };
  });
}

/** What a signed target would act on passes only where it cannot change what a request does. */
function checkHeaders(
  { headers }: RequestLimit,
  { hmac, allowHeaders = [], headers: configured }: TargetConfiguration,
  field: string,
): readonly LimitWarning[] {
  if (headers === undefined) return [];
  const signer =
    hmac === undefined
      ? undefined
      : createSigner(
          hmac,
          configured.map(([name]) => name),
          hash,
        );
  return Array.from(headers).flatMap(([name, values]) => {
    const own = configured.find(([header]) => header.toLowerCase() === name);
    const path = `${field}.${printableName(name)}`;
    if (own !== undefined) {
      return isListed(values, own[1])
        ? []
        : { field: path, message: "admits no request, since --header sets another value" };
    }
    if (signer === undefined || allowHeaders.includes(name)) return [];
    const rules = (values === "any" ? [""] : values).map((value) => signer.headerRule(name, value));
    // A header that is dropped as inert can be named without harm; one that is required must arrive.
    if (rules.some((rule) => rule !== "refuse" && (rule !== "drop" || values === "any"))) return [];
    const effect = values === "any" ? "has no effect" : "admits no request";
    return {
      field: path,
      message: `${effect}, since it does not pass without --allow-header ${printableName(name)}`,
    };
  });
}

function isListed(values: AllowedValues<string>, value: string): boolean {
  return values === "any" || values.includes(value);
}
