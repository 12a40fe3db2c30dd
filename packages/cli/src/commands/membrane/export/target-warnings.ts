import type { ExportRequest, HeaderLimit, TargetConfiguration } from "capability-protocol";
import { printableName } from "capability-protocol/result";
import type { LimitWarning } from "./limit-warnings.ts";

/** Finds fields of an export that are accepted, and probably not what was meant. No message has a header's value. */
export function findTargetWarnings(request: ExportRequest): readonly LimitWarning[] {
  const patterns = checkPatterns(request.limits?.paths ?? []);
  if (request.kind === "reexport") return patterns;
  const { target, limits } = request;
  return [
    ...checkUri(target),
    ...checkHeaders(target),
    ...checkKeys(target),
    ...patterns,
    ...checkTools(limits?.headers),
  ];
}

/** APIs whose base is not the URL that people know. */
const BASES: readonly {
  readonly hostname: string;
  readonly isBase: (path: string) => boolean;
  readonly meant: string;
}[] = [
  { hostname: "api.openai.com", isBase: (path) => path !== "/", meant: "https://api.openai.com/v1" },
  { hostname: "github.com", isBase: (path) => path.includes(".git"), meant: "https://api.github.com/" },
];

function checkUri({ uri, allowPath }: TargetConfiguration): readonly LimitWarning[] {
  const { origin, path } = uri;
  const base = BASES.find(({ hostname, isBase }) => hostname === origin.hostname && !isBase(path));
  return [
    ...(path.includes("*")
      ? [
          {
            field: "uri",
            message: "a * is sent as it is; --allow-path opens the paths below, and --path limits them",
          },
        ]
      : []),
    ...(allowPath === true && base !== undefined
      ? [{ field: "uri", message: `the base of this API is ${base.meant}` }]
      : []),
  ];
}

const SCHEMES = /^(?:basic|bearer|token) /i;
const VARIABLE = /^\$\{?[A-Za-z_]\w*\}?$/;

function checkHeaders({ headers, uri }: TargetConfiguration): readonly LimitWarning[] {
  return headers.flatMap(([name, value]) => {
    const field = `headers.${name}`;
    if (VARIABLE.test(value.replace(SCHEMES, "")))
      return {
        field,
        message: "the value is the name of a variable: a shell replaces none in single quotes",
      };
    const isBearer = BEARER_APIS.has(uri.origin.hostname) && name.toLowerCase() === "authorization";
    return isBearer && !value.includes(" ")
      ? { field, message: 'this API expects "Authorization: Bearer KEY", and there is no Bearer' }
      : [];
  });
}

const BEARER_APIS: ReadonlySet<string> = new Set(["api.openai.com", "api.github.com"]);

function checkKeys({ allowQuery }: TargetConfiguration): readonly LimitWarning[] {
  if (typeof allowQuery === "boolean") return [];
  return allowQuery.flatMap((key, index) =>
    key.includes(",")
      ? {
          field: `allowQuery[${index}]`,
          message: `a comma is part of the key ${printableName(key)}; repeat the option for another key`,
        }
      : [],
  );
}

/** Names of tools have no comma in practice. */
function checkTools(headers: HeaderLimit | undefined): readonly LimitWarning[] {
  const names = headers?.get("mcp-name");
  if (names === undefined || names === "any" || !names.some((name) => name.includes(","))) return [];
  return [
    {
      field: "limits.headers.mcp-name",
      message: "a comma is part of the name of a tool; repeat --only for another tool",
    },
  ];
}

/** Paths may have commas; two patterns that are written as one have a slash after it. */
function checkPatterns(paths: readonly string[]): readonly LimitWarning[] {
  return paths.flatMap((path, index) =>
    /, ?\//.test(path)
      ? {
          field: `limits.paths[${index}]`,
          message: "a comma is part of the pattern; repeat the option for another pattern",
        }
      : [],
  );
}
