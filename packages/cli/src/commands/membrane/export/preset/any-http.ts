import type { TargetBody } from "capability-sdk";
import { shellWord } from "../../../../shell.ts";
import type { ClientEndpoint, ClientSetup, Preset } from "./preset.ts";

export const ANY_HTTP: Preset = {
  name: "any-http",
  target: "any server",
  access: "all methods, paths and queries below the URI",
  options: [
    ["allow-path", "true"],
    ["allow-query", "true"],
  ],
  limits: {},
  clients: (endpoint) => [...setupCurl(endpoint), ...setupGit(endpoint)],
  caVariables: ["CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"],
};

/** A line for what the limits require of queries and headers would be a guess. */
function setupCurl({ authority, token, target }: ClientEndpoint): readonly ClientSetup[] {
  const { methods: [method = "GET"] = [], paths, query, headers, requests } = target.limits ?? {};
  if ([query, headers, requests].some((limit) => limit !== undefined)) return [];
  const options = { GET: "", HEAD: "--head " }[admits(target, "GET") ? "GET" : method] ?? `-X ${method} `;
  const path = target.allowPath === true ? (paths?.[0] ?? "/") : "/";
  const url = `https://${authority}${path.replace(/\*+/g, "PATH")}`;
  return [{ place: "curl", lines: [`curl ${options}-H "Authorization: Bearer ${token}" ${shellWord(url)}`] }];
}

/** Git adds a path and the key `service` to the URL of a repository, and sends GET and POST. */
function setupGit({ authority, token, target }: ClientEndpoint): readonly ClientSetup[] {
  const { allowPath, allowQuery, method, limits: { paths, query, headers, requests } = {} } = target;
  const isLimited = [method, paths, query, headers, requests].some((limit) => limit !== undefined);
  const isService = allowQuery === true || (Array.isArray(allowQuery) && allowQuery.includes("service"));
  const isAdmitted = admits(target, "GET") && admits(target, "POST");
  if (allowPath !== true || !isService || isLimited || !isAdmitted) return [];
  const [, name] = /\/(\w[\w.-]{0,99})\.git\/?$/.exec(target.uri) ?? [];
  const repository = name === undefined ? "PROJECT.git" : ` ${name}`;
  return [{ place: "git", lines: [`git clone https://git:${token}@${authority}/${repository}`] }];
}

/** With `--method`, the client's own does not count. */
function admits({ method, limits }: TargetBody, wanted: string): boolean {
  return method !== undefined || limits?.methods === undefined || limits.methods.includes(wanted);
}
